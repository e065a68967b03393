"""A kind cluster of one node, from the lab's node image."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

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


def up(lab: Lab, mode: str) -> None:
    """Load the node image unless the engine has it, create the cluster unless it is there, wait until it is ready."""
    archive = node.node.ensure(lab)
    programs.kind.ensure(lab)
    engine.load(lab, archive, node.TAG)
    if exists(lab):
        return
    config = lab.run / "kind.yaml"
    text = (node.FILES / "kind.yaml").read_text()
    config.write_text(text.replace("kubeProxyMode: iptables", f"kubeProxyMode: {mode}"))
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


def down(lab: Lab) -> None:
    """Delete the cluster, if the engine runs and has it."""
    if engine.pid(lab) is None or not programs.kind.path(lab).exists() or not exists(lab):
        return
    with timed(lab, "delete cluster"):
        argv: list[str | Path] = [programs.kind.path(lab), "delete", "cluster", "--name", NAME]
        run(argv, log=lab.log("kind"), seconds=120, env=environment(lab))
