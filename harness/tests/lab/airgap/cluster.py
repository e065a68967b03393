"""A kind cluster from the lab's node image: one node, or a control plane and nodes for the work."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from airgap import engine, node, product, programs
from airgap.command import output, run
from airgap.step import Lab, timed
from meshproof.border.timeouts import Timeouts
from meshproof.targets.probe_image.image import Engine

NAME = "meshproof-lab"
CONTEXT = f"kind-{NAME}"
CREATE_SECONDS = 600.0


def kubeconfig(lab: Lab) -> Path:
    return lab.run / "kubeconfig"


def environment(lab: Lab) -> dict[str, str]:
    return {**engine.environment(lab), "KUBECONFIG": str(kubeconfig(lab))}


def exists(lab: Lab) -> bool:
    reported = output([programs.kind.path(lab), "get", "clusters"], seconds=60, env=environment(lab))
    return NAME in reported.split()


def configuration(mode: str, workers: int) -> str:
    """What kind is given; with `workers` nodes for the work, the control plane's own node takes none."""
    text = (node.FILES / "kind.yaml").read_text().replace("kubeProxyMode: iptables", f"kubeProxyMode: {mode}")
    return text + "- role: worker\n" * workers


def up(lab: Lab, mode: str, workers: int = 0) -> None:
    """Load the node image unless the engine has it, create the cluster unless it is there, wait until it is ready."""
    archive = node.node.ensure(lab)
    programs.kind.ensure(lab)
    engine.load(lab, archive, node.TAG)
    if exists(lab):
        # Written by kind at the very end: it lacks where creating the cluster was broken off.
        run([programs.kind.path(lab), "export", "kubeconfig", "--name", NAME], **_quickly(lab))
        return
    config = lab.run / "kind.yaml"
    config.write_text(configuration(mode, workers))
    argv: list[str | Path] = [
        programs.kind.path(lab),
        "create",
        "cluster",
        "--name",
        NAME,
        "--image",
        node.TAG,
        "--config",
        config,
    ]
    argv += ["--wait", "180s", "--retain"]
    with timed(lab, "create cluster"):
        run(argv, log=lab.log("kind"), seconds=CREATE_SECONDS, env=environment(lab), nice=False)


def load_product(lab: Lab) -> str:
    """Build meshproof's own image, as its kind target would, and import it into the node; its name."""
    engine.load(lab, product.python.ensure(lab), product.TAG)
    os.environ.update({**engine.environment(lab), **product.ENVIRONMENT})
    with timed(lab, "meshproof's image"):
        name = asyncio.run(Engine("docker").build(Timeouts()))
        argv: list[str | Path] = [programs.kind.path(lab), "load", "docker-image", name, "--name", NAME]
        run(argv, log=lab.log("kind-load"), seconds=600, env=environment(lab))
    return name


def _quickly(lab: Lab) -> dict[str, Any]:
    return {"log": lab.log("kind"), "seconds": 60, "env": environment(lab), "nice": False}


def down(lab: Lab) -> None:
    """Delete the cluster, if the engine runs and has it."""
    if engine.pid(lab) is None or not programs.kind.path(lab).exists() or not exists(lab):
        return
    with timed(lab, "delete cluster"):
        argv: list[str | Path] = [programs.kind.path(lab), "delete", "cluster", "--name", NAME]
        run(argv, log=lab.log("kind"), seconds=120, env=environment(lab))
