"""What the container engine knows of a kind cluster's control-plane node, and how images get into the nodes."""

from __future__ import annotations

import asyncio
import re

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import OwnedFolder, call, run
from meshproof.targets.kind.commands import ThreadedCommands
from meshproof.targets.kind.config import INGRESS
from meshproof.targets.kind.manager import KindManager
from meshproof.targets.kind.requirements import survey
from meshproof.targets.probe_image.image import Engine

DOCKER = "docker"


async def container_id(engine: Engine, cluster: str, timeouts: Timeouts) -> str:
    """The id of the control plane's container, which differs between two clusters of one name."""
    argv = [engine.binary, "inspect", "--format", "{{.Id}}", f"{cluster}-control-plane"]
    what = f"looking for the node of kind cluster {cluster}"
    found = (await run(argv, limit=timeouts.container_engine, what=what)).strip()
    if not re.fullmatch("[0-9a-f]+", found):
        raise TargetError(f"{what}: the answer is no id", f"{found}\nlook: {engine.name} ps --all")
    return found


async def published_ports(engine: Engine, cluster: str, timeouts: Timeouts) -> dict[int, int]:
    """The ports of this machine that lead to the ingress gateway, by the server's port."""
    found = {}
    for port, node in INGRESS.items():
        argv = [engine.binary, "port", f"{cluster}-control-plane", f"{node}/tcp"]
        ended = await call(argv, limit=timeouts.container_engine, what=f"asking for the port of {cluster}")
        _, _, local = ended.out.strip().partition("\n")[0].rpartition(":")
        if not ended.code and local.isdecimal():
            found[port] = int(local)
    return found


async def load_image(
    reference: str, engine: Engine, manager: KindManager, commands: ThreadedCommands, timeouts: Timeouts
) -> None:
    """Load an image of the engine into the nodes; one that it does not have is left to the nodes to pull."""
    architecture = await engine.architecture(reference, timeouts)
    if not architecture:
        return
    own = await survey(engine, timeouts)
    if architecture != own:
        raise TargetError(
            f"image {reference} is for {architecture}, the nodes are {own}",
            f"look: {engine.name} image inspect {reference}",
        )
    if engine.name == DOCKER:
        await commands.do(lambda: manager.load_image(reference))
        return
    # By name, kind asks docker for an image, whatever engine runs the nodes.
    folder = await asyncio.to_thread(OwnedFolder.make, "meshproof-")
    try:
        archive = folder.path / "image.tar"
        await engine.save(reference, archive, timeouts)
        await commands.do(lambda: manager.load_archive(archive))
    finally:
        await asyncio.to_thread(folder.remove)
