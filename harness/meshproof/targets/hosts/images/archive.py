"""Which images an archive (`docker save`) or an OCI layout holds, read without unpacking it.

https://github.com/moby/docker-image-spec and https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from meshproof.errors import UsageError
from meshproof.targets.hosts.bundle.archive import ALWAYS_ALLOWED, COPY_BYTES, GZIP, SWELLING

LARGEST_DOCUMENT = 4 << 20
MOST_MEMBERS = 20_000
REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


@dataclass(frozen=True, slots=True)
class Image:
    """One image in a file or folder `path`.

    `name` is what it is called there (`docker.io/istio/pilot:1.9.5`). `config` is the digest of its
    configuration, which names every layer's content: it is the same whatever tool pushes the image. For an image of
    several platforms it is empty, and `index` is the digest of the list. `transport` is skopeo's.
    """

    path: Path
    name: str
    transport: str
    reference: str
    size: int
    config: str = ""
    index: str = ""


def images(path: Path) -> list[Image]:
    """The images in a `docker save` archive, an OCI archive or an OCI layout; raises UsageError."""
    try:
        if path.is_dir():
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            found = _from_index(path, "oci", size, lambda name: _small(path / name))
        else:
            found = _from_archive(path)
    except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: this is not an archive of images: {error}") from None
    if not found:
        raise UsageError(f"{path}: none of its images has a name; save them by name, as in docker save NAME:TAG")
    return found


def uncompressed(path: Path, folder: Path) -> Path:
    """The archive without its gzip, in `folder`: skopeo ends with "unexpected EOF" on some that have one.

    A path that is not compressed is returned unchanged. Raises UsageError.
    """
    if path.is_dir():
        return path
    with path.open("rb") as raw:
        if raw.read(2) != GZIP:
            return path
    plain, limit = folder / "image.tar", path.stat().st_size * SWELLING + ALWAYS_ALLOWED
    try:
        with gzip.open(path) as source, plain.open("wb") as target:
            while data := source.read(COPY_BYTES):
                target.write(data)
                if target.tell() > limit:
                    raise UsageError(f"{path}: unpacks to more than {SWELLING} times its size")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be unpacked into {folder}: {error}") from None
    return plain


def _from_archive(path: Path) -> list[Image]:
    documents: dict[str, bytes] = {}
    size = path.stat().st_size
    with _tar(path) as tar:
        for number, member in enumerate(tar):
            if number > MOST_MEMBERS:
                raise ValueError(f"more than {MOST_MEMBERS} members")
            # Configurations and manifests are small; layers are skipped.
            if member.isreg() and member.size <= LARGEST_DOCUMENT and not member.name.endswith("layer.tar"):
                source = tar.extractfile(member)
                name = member.name.removeprefix("./")
                if source is not None and ("/" not in name or name.startswith("blobs/")):
                    data = source.read()
                    if data.lstrip()[:1] in (b"{", b"["):
                        documents[name] = data
    if "manifest.json" in documents:
        return _from_docker(path, size, documents)
    if "index.json" in documents:
        return _from_index(path, "oci-archive", size, documents.__getitem__)
    raise ValueError("it has neither a manifest.json nor an index.json")


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        source = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        with tarfile.open(fileobj=source, mode="r|") as tar:
            yield tar


def _from_docker(path: Path, size: int, documents: dict[str, bytes]) -> list[Image]:
    found = []
    for entry in json.loads(documents["manifest.json"]):
        config = documents[entry["Config"]]
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        found += [
            Image(path, str(name), "docker-archive", str(name), size, config=digest) for name in entry["RepoTags"] or ()
        ]
    return found


def _from_index(path: Path, transport: str, size: int, read: Any) -> list[Image]:
    found = []
    for entry in json.loads(read("index.json"))["manifests"]:
        notes = entry.get("annotations") or {}
        reference = str(notes.get(REF_NAME) or "")
        name = str(notes.get(FULL_NAME) or reference)
        if not name:
            continue
        digest = str(entry["digest"])
        if entry.get("mediaType") in INDEXES:
            found.append(Image(path, name, transport, reference, size, index=digest))
        else:
            manifest = json.loads(read(f"blobs/{digest.replace(':', '/')}"))
            found.append(Image(path, name, transport, reference, size, config=str(manifest["config"]["digest"])))
    return found


def _small(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise ValueError(f"{path.name} is larger than {LARGEST_DOCUMENT} bytes")
    return path.read_bytes()
