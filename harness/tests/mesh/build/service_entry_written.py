"""ServiceEntries, machines and Services as they are written."""

from __future__ import annotations

import io

from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

HTTP = "ports: [{number: 80, name: http, protocol: HTTP}]"


OUT = "hosts: [out.example.com]"


def entry(*spec: str, name: str = "out", namespace: str = "default", version: str = "v1") -> str:
    lines = "".join(f"  {line}\n" for line in spec)
    head = f"apiVersion: networking.istio.io/{version}\nkind: ServiceEntry\n"
    return f"{head}metadata: {{name: {name}, namespace: {namespace}}}\nspec:\n{lines}---\n"


def machine(name: str, spec: str, *, labels: str = "", kind: str = "WorkloadEntry") -> str:
    metadata = f"{{name: {name}, labels: {{{labels}}}}}"
    return f"apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {{{spec}}}\n---\n"


def manifests(*several: str):
    return load(["-"], stdin=io.StringIO("".join(several)), strict=False)


def mesh(*several: str):
    return build(manifests(*several).resources).mesh
