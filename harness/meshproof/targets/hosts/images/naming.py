"""From the name of an image to its name in the private registry: all but the last part is replaced by the hub."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.images.archive import Image

REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Hub:
    """`registry.example.com/library`: where images are pushed and pulled."""

    registry: str
    project: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.project}" if self.project else self.registry


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """One image and its name in the registry: `HUB/repository:tag`."""

    image: Image
    hub: Hub
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.hub.registry}/{self.repository}:{self.tag}"


def parse_hub(text: str) -> Hub:
    """`HOST[:PORT]/PROJECT`; raises UsageError."""
    host, _, project = text.strip().rstrip("/").partition("/")
    if "://" in text or not HOST.fullmatch(host) or (project and not REPOSITORY.fullmatch(project)):
        raise UsageError(f"{text!r} is not a hub: write HOST[:PORT]/PROJECT, as in harbor.example.com/library")
    return Hub(host, project)


def tagged_images(images: Sequence[Image], hub: Hub) -> list[TaggedImage]:
    """The images with their names below `hub`; raises UsageError for names that are not valid or that collide."""
    found: dict[tuple[str, str], TaggedImage] = {}
    for image in images:
        last = image.name.rpartition("/")[2]
        name, _, tag = last.partition(":")
        repository = f"{hub.project}/{name}" if hub.project else name
        if "@" in last or not REPOSITORY.fullmatch(name) or not TAG.fullmatch(tag):
            raise UsageError(f"{image.path}: {image.name!r} is not NAME:TAG, so it has no name in {hub}")
        tagged = TaggedImage(image, hub, repository, tag)
        other = found.setdefault((repository, tag), tagged)
        if (other.image.config, other.image.index) != (image.config, image.index):
            raise UsageError(f"{other.image.name} and {image.name} differ, and both would become {tagged}")
    return list(found.values())
