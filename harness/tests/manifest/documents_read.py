"""Texts as they are read, and what was read of them."""

from __future__ import annotations

import io

from meshproof.manifest import Manifests, load

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n"


WEB, SHOP = SERVICE % "web", SERVICE % "shop"


def read(text: str) -> Manifests:
    return load(["-"], stdin=io.StringIO(text), strict=False)


def names(found: Manifests) -> list[str]:
    return [one.name for one in found.resources]
