"""What meshproof's own image stands on: Debian's Python with pip, and what a pod's part of meshproof imports.

meshproof builds its image itself, from fixtures/Dockerfile; with this base it needs no registry and no package index.
"""

from __future__ import annotations

import sys
from pathlib import Path

from airgap.archive import Entry, Folder, ImageConfig, Link, write_layer
from airgap.command import run
from airgap.debian import pod_root
from airgap.images import image
from airgap.step import Lab, Step
from meshproof.targets.probe_image.wheel import requirements

TAG = "registry.invalid/python:lab"
SITE = "opt/python"
PYTHON = (3, 11)  # Debian's, whatever runs this
SECONDS = 900.0
ENVIRONMENT = {"MESHPROOF_IMAGE_BASE": TAG, "MESHPROOF_IMAGE_PIP_OPTIONS": "--no-index"}


def _install(lab: Lab, target: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    argv += ["--python-version", ".".join(map(str, PYTHON)), "--only-binary", ":all:"]
    run([*argv, "pip", *requirements().split()], log=lab.log("dependencies"), seconds=SECONDS)


def _layer(lab: Lab, target: Path) -> None:
    found = {path.name: path for path in sorted(dependencies.path(lab).iterdir()) if path.name != "bin"}
    others: dict[str, Entry] = {"usr/local/bin/python": Link("/usr/bin/python3"), "tmp": Folder(0o1777)}
    write_layer(target, {**{f"{SITE}/{name}": path for name, path in found.items()}, **others})


dependencies = Step("dependencies", f"{PYTHON} pip {requirements()}", _install)
layer = Step("layer-dependencies", SITE, _layer, (dependencies,))
python = image(
    "image-python",
    TAG,
    # Debian's pip refuses to install into Debian's folders without this option.
    ImageConfig(env=(*ImageConfig().env, f"PYTHONPATH=/{SITE}", "PIP_BREAK_SYSTEM_PACKAGES=1")),
    pod_root,
    layer,
)
