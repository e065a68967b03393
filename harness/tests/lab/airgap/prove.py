"""meshproof's own kind target on what the lab has made: it makes its cluster, installs Istio and runs scenarios."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from airgap import engine, images, istio, node, product, programs
from airgap.step import Lab, timed

SCENARIOS = ("install", "canary", "breaker", "mirror", "gateway", "fault")
COMMANDS = {"kind": programs.kind, "kubectl": programs.kubernetes["kubectl"], "istioctl": programs.istioctl}


def environment(lab: Lab) -> dict[str, str]:
    """The engine and the commands of the lab, under the names that they are looked for."""
    folder = lab.run / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, step in COMMANDS.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(step.ensure(lab))
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, **engine.environment(lab), **product.ENVIRONMENT, "PATH": path}


def arguments() -> list[str]:
    """The arguments of `meshproof run --target kind`."""
    reported = ["--target", "kind", "--kubernetes", node.TAG, "--hub", images.HUB]
    return reported + [word for setting in istio.SETTINGS for word in ("--set", setting)]


def prove(lab: Lab, words: Sequence[str], command: str = "run") -> int:
    """Make what is missing, start the engine, let meshproof run; its exit code."""
    archives = ((node.node.ensure(lab), node.TAG), (product.python.ensure(lab), product.TAG))
    engine.up(lab)
    for archive, tag in archives:
        engine.load(lab, archive, tag)
    names = list(words) if words and not words[0].startswith("-") else [*SCENARIOS, *words]
    with timed(lab, f"meshproof {command}"):
        argv = [sys.executable, "-m", "meshproof", command, *names, *arguments()]
        return subprocess.run(argv, env=environment(lab)).returncode
