"""The image of workloads and clients: built here from the meshproof that runs, or named by an option."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from importlib.metadata import version
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import OwnedFolder, call, run
from meshproof.records import dataclass
from meshproof.suite import folder
from meshproof.targets.probe_image import wheel

REPOSITORY = "meshproof.local/probe"
BASE, OPTIONS = "MESHPROOF_IMAGE_BASE", "MESHPROOF_IMAGE_PIP_OPTIONS"
ENGINES = ("docker", "podman", "nerdctl")
PROVIDER = "KIND_EXPERIMENTAL_PROVIDER"


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine by its command, which docker, podman and nerdctl share."""

    binary: str

    @property
    def name(self) -> str:
        return Path(self.binary).name

    async def architecture(self, image: str, timeouts: Timeouts) -> str:
        """The architecture of an image that the engine has (`amd64`, `arm64`); empty when it has none of that name."""
        argv = [self.binary, "image", "inspect", "--format", "{{.Architecture}}", image]
        ended = await call(argv, limit=timeouts.container_engine, what=f"looking for the image {image}")
        found = ended.out.strip()
        # A missing image ends with another code than a program that could not be run to its end.
        if ended.code > 125 or (not ended.code and not re.fullmatch(r"\w+", found)):
            raise TargetError(
                f"{self.name} gives no information about the image {image}", f"{ended.said}\nlook: {self.name} info"
            )
        return "" if ended.code else found

    async def save(self, image: str, path: Path, timeouts: Timeouts) -> None:
        """Write the image to an archive, as `kind load image-archive` takes it."""
        argv = [self.binary, "save", "--output", str(path), image]
        await run(argv, limit=timeouts.image_loaded, what=f"writing the image {image} to a file")

    async def build(self, timeouts: Timeouts) -> str:
        """Build the image unless it is there already; its reference, which is another one for other content."""
        context_folder = await asyncio.to_thread(OwnedFolder.make, "meshproof-")
        try:
            reference = await asyncio.to_thread(context, context_folder.path)
            if await self.architecture(reference, timeouts):
                return reference
            argv = [self.binary, "build", "--tag", reference]
            for argument, variable in (("BASE", BASE), ("PIP_OPTIONS", OPTIONS)):
                if value := os.environ.get(variable):
                    argv += ["--build-arg", f"{argument}={value}"]
            try:
                await run(
                    [*argv, str(context_folder.path)], limit=timeouts.image_built, what="building the probe image"
                )
            except TargetError as error:
                hint = f"without a registry: name a base image with {BASE}, or an image that is there with --image"
                raise TargetError(error.message, f"{error.detail}\n{hint}") from None
            return reference
        finally:
            await asyncio.to_thread(context_folder.remove)


def engine() -> Engine:
    """The container engine that kind would take; TargetError when there is none."""
    asked = os.environ.get(PROVIDER, "")
    for name in (asked,) if asked else ENGINES:
        if path := shutil.which(name):
            return Engine(path)
    what = f"{asked}, which {PROVIDER} names," if asked else "docker (or podman, or nerdctl)"
    raise TargetError(
        f"{what} is not on PATH: kind runs the nodes of a cluster in containers",
        "install it as https://docs.docker.com/engine/install/ says, or use --target cluster or embedded\n"
        f"look: type {asked or ' '.join(ENGINES)}",
    )


def context(into: Path) -> str:
    """Fill the folder `into` with what the image is built from; the image's reference."""
    _, digest = wheel.write(into)
    needed = wheel.requirements()
    dockerfile = (folder("fixtures") / "Dockerfile").read_text()
    (into / "requirements.txt").write_text(needed)
    (into / "Dockerfile").write_text(dockerfile)
    made_of = (digest, needed, dockerfile, os.environ.get(BASE, ""), os.environ.get(OPTIONS, ""))
    tag = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:12]
    return f"{REPOSITORY}:{version('meshproof')}-{tag}"
