"""The step of the images, applied from this machine: the bundle's images, pushed to the inventory's registry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from meshproof.border.inventory import RegistryEntry
from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.images.archive import images
from meshproof.targets.hosts.images.credentials import PASSWORD, USERNAME, find
from meshproof.targets.hosts.images.naming import TaggedImage, parse_hub, tagged_images
from meshproof.targets.hosts.images.push import Pusher
from meshproof.targets.hosts.images.registry import Registry


@dataclass(frozen=True, slots=True)
class ImagesPlan:
    """`missing` of `wanted` images are to be pushed to a registry of that `kind`."""

    pusher: Pusher
    kind: str
    wanted: tuple[TaggedImage, ...]
    missing: tuple[TaggedImage, ...]

    def lines(self) -> list[str]:
        """A description for the user."""
        return [f"push {tagged.image.name} as {tagged}" for tagged in self.missing]


async def plan_images(
    entry: RegistryEntry | None,
    paths: Sequence[Path],
    folder: Path,
    timeouts: Timeouts,
    ca: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ImagesPlan:
    """Find which of the images in `paths` the registry lacks; pushes nothing. Raises MeshproofError.

    `ca` is a PEM file of this machine; `folder` is of mode 0700.
    """
    if entry is None:
        raise UsageError("the bundle brings images, and the inventory names no registry to push them to")
    hub = parse_hub(entry.hub)
    found = [image for path in paths for image in await asyncio.to_thread(images, path)]
    wanted = tagged_images(found, hub)
    names = (entry.username_env or USERNAME, entry.password_env or PASSWORD)
    credentials = await find(hub.registry, folder, names=names, environ=environ)
    registry = Registry(
        hub.registry,
        timeouts.registry_answer,
        credentials,
        urlsplit(entry.url).scheme,
        not entry.insecure,
        ca,
    )
    pusher = Pusher(registry, folder, timeouts, environ, names)
    kind = await pusher.check(hub)
    return ImagesPlan(pusher, kind, tuple(wanted), tuple(await pusher.missing(wanted)))
