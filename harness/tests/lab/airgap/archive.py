"""Container images without a registry and without an engine: the archive that `docker save` writes, by hand.

docker load, ctr images import and kind load image-archive all read it (the format is described at
https://github.com/moby/docker-image-spec). Times and owners are fixed, so the same content has the same digest.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What a container of the image runs, and as whom."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    user: str = ""
    stop_signal: str = ""
    work_dir: str = ""

    def document(self, layers: Sequence[str]) -> bytes:
        config = {
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "StopSignal": self.stop_signal,
            "WorkingDir": self.work_dir,
        }
        return json.dumps(
            {
                "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
                "os": "linux",
                "created": "1970-01-01T00:00:00Z",
                "config": {key: value for key, value in config.items() if value},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}" for layer in layers]},
                "history": [{"created": "1970-01-01T00:00:00Z"} for _ in layers],
            },
            sort_keys=True,
        ).encode()


@dataclass(frozen=True, slots=True)
class Text:
    """A file by its content."""

    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    to: str


@dataclass(frozen=True, slots=True)
class Folder:
    """An empty folder."""

    mode: int = 0o755


Entry = Path | Text | Link | Folder


def write_layer(target: Path, entries: Mapping[str, Entry]) -> None:
    """A layer with `entries`, by their path in the image without a leading slash.

    A file on disk keeps its execute bit, a folder on disk is taken whole. The folders above an entry are made.
    """
    made: set[str] = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, entry in sorted(entries.items()):
            for parent in reversed(Path(name).parents[:-1]):
                if str(parent) not in made:
                    made.add(str(parent))
                    _add_empty(tar, str(parent), tarfile.DIRTYPE, 0o755)
            if isinstance(entry, Text):
                content = entry.content.encode()
                _add(tar, name, io.BytesIO(content), len(content), entry.mode)
            elif isinstance(entry, Link):
                _add_empty(tar, name, tarfile.SYMTYPE, 0o777, entry.to)
            elif isinstance(entry, Folder):
                made.add(name)
                _add_empty(tar, name, tarfile.DIRTYPE, entry.mode)
            elif entry.is_dir():
                tar.add(entry, name, filter=_anonymous)
            else:
                with entry.open("rb") as stream:
                    _add(tar, name, stream, entry.stat().st_size, 0o755 if os.access(entry, os.X_OK) else 0o644)


def _add_empty(tar: tarfile.TarFile, name: str, kind: bytes, mode: int, to: str = "") -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, to
    tar.addfile(info)


def _add(tar: tarfile.TarFile, name: str, stream: IO[bytes], size: int, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    tar.addfile(info, stream)


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def write_images(target: Path, images: Mapping[str, tuple[ImageConfig, Sequence[Path]]]) -> None:
    """One archive with several images (name with tag -> what it runs, its layers); a layer is stored once."""
    manifest: list[dict[str, object]] = []
    configs: dict[str, bytes] = {}
    layers: dict[Path, str] = {}
    for name, (config, paths) in images.items():
        digests = []
        for path in paths:
            layers[path] = layers.get(path) or digest(path)
            digests.append(layers[path])
        document = config.document(digests)
        config_name = f"{hashlib.sha256(document).hexdigest()}.json"
        configs[config_name] = document
        manifest.append({"Config": config_name, "RepoTags": [name], "Layers": [f"{one}/layer.tar" for one in digests]})
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        content = json.dumps(manifest).encode()
        _add(tar, "manifest.json", io.BytesIO(content), len(content), 0o644)
        for config_name, document in configs.items():
            _add(tar, config_name, io.BytesIO(document), len(document), 0o644)
        for path, one in layers.items():
            with path.open("rb") as stream:
                _add(tar, f"{one}/layer.tar", stream, path.stat().st_size, 0o644)
