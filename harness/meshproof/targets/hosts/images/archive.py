"""Which images an archive (`docker save`) or an OCI layout holds, read without unpacking it.

https://github.com/moby/docker-image-spec and https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

from meshproof.bounded import read_file, read_json
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.bundle.archive import (
    ALWAYS_ALLOWED,
    COPY_BYTES,
    DAMAGED,
    GZIP,
    LONGEST_NAME,
    SWELLING,
    blocks,
    opened,
)

LARGEST_DOCUMENT = 4 << 20
MOST_DOCUMENTS = 64 << 20
MOST_IMAGES = 1000
DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,128}")
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
            files = list(islice(path.rglob("*"), MOST_MEMBERS + 1))
            if len(files) > MOST_MEMBERS:
                raise ValueError(f"more than {MOST_MEMBERS} files")
            size = sum(file.stat().st_size for file in files if file.is_file())
            found = _from_index(path, "oci", size, lambda name: _small(path / name))
        else:
            found = _from_archive(path)
    except (OSError, *DAMAGED, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: this is not an archive of images: {str(error)[:200]}") from None
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
    size, held = path.stat().st_size, 0
    with opened(path) as tar:
        for number, member in enumerate(tar):
            if number > MOST_MEMBERS:
                raise ValueError(f"more than {MOST_MEMBERS} members")
            # Configurations and manifests are small; layers are skipped.
            name = member.name.removeprefix("./")
            if not member.isreg() or not 0 <= member.size <= LARGEST_DOCUMENT or name.endswith("layer.tar"):
                continue
            if "/" not in name or name.startswith("blobs/"):
                data = b"".join(blocks(tar, member))
                if data.lstrip()[:1] in (b"{", b"["):
                    documents[name] = data
                    held += len(data)
            if held > MOST_DOCUMENTS:
                raise ValueError(f"its configurations and manifests are more than {MOST_DOCUMENTS} bytes")
    if "manifest.json" in documents:
        return _from_docker(path, size, documents)
    if "index.json" in documents:
        return _from_index(path, "oci-archive", size, documents.__getitem__)
    raise ValueError("it has neither a manifest.json nor an index.json")


def _from_docker(path: Path, size: int, documents: dict[str, bytes]) -> list[Image]:
    found = []
    for entry in _entries(read_json(documents["manifest.json"])):
        config = documents[entry["Config"]]
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        found += [
            Image(path, _name(name), "docker-archive", _name(name), size, config=digest)
            for name in entry["RepoTags"] or ()
        ]
    return found


def _from_index(path: Path, transport: str, size: int, read: Any) -> list[Image]:
    found = []
    for entry in _entries(read_json(read("index.json"))["manifests"]):
        notes = entry.get("annotations") or {}
        reference = _name(notes.get(REF_NAME) or "")
        name = _name(notes.get(FULL_NAME) or reference)
        if not name:
            continue
        digest = entry["digest"]
        if not DIGEST.fullmatch(digest):
            raise ValueError("a digest of its index is none")
        if entry.get("mediaType") in INDEXES:
            found.append(Image(path, name, transport, reference, size, index=digest))
        else:
            manifest = read_json(read(f"blobs/{digest.replace(':', '/')}"))
            found.append(Image(path, name, transport, reference, size, config=str(manifest["config"]["digest"])))
    return found


def _entries(listed: Any) -> list[Any]:
    if not isinstance(listed, list) or len(listed) > MOST_IMAGES:
        raise ValueError(f"it lists no images, or more than {MOST_IMAGES}")
    return listed


def _name(given: Any) -> str:
    if not isinstance(given, str) or len(given) > LONGEST_NAME:
        raise ValueError("the name of an image is not as names are")
    return given


def _small(path: Path) -> bytes:
    try:
        return read_file(path, LARGEST_DOCUMENT)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
