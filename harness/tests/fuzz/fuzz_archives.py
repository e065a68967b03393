"""Small archives and packages that are right, to be made odd."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
from collections.abc import Mapping

CONFIG = b'{"rootfs":{}}'
DIGEST = "sha256:" + "0" * 64
MANIFEST = [{"Config": "c.json", "RepoTags": ["docker.io/istio/pilot:1.9.5"], "Layers": ["l/layer.tar"]}]
INDEX = {
    "manifests": [
        {
            "digest": DIGEST,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "annotations": {"org.opencontainers.image.ref.name": "istio/pilot:1.9.5"},
        }
    ]
}


def gzipped(data: bytes) -> bytes:
    """The same bytes at any time: workers of pytest must find the same inputs, and so must the next run."""
    return gzip.compress(data, mtime=0)


PACKED = {"": bytes, ".gz": gzipped, ".bz2": bz2.compress, ".xz": lzma.compress}
CONTROL = b"Package: linux-image-6.1\nVersion: 6.1-1\nArchitecture: amd64\n"


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def docker(manifest: object = MANIFEST) -> bytes:
    """What `docker save` writes."""
    return tar({"c.json": CONFIG, "l/layer.tar": b"x" * 600, "manifest.json": json.dumps(manifest).encode()})


def oci(index: object = INDEX) -> bytes:
    """An OCI layout in one file."""
    blob = json.dumps({"config": {"digest": DIGEST}}).encode()
    return tar({f"blobs/sha256/{'0' * 64}": blob, "index.json": json.dumps(index).encode()})


def member(name: str, data: bytes, size: str = "") -> bytes:
    """A member of a deb(5); `size` is what its header says."""
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{size or len(data):<10}`\n"
    return head.encode() + data + b"\n" * (len(data) % 2)


def deb(compression: str = ".gz", files: Mapping[str, bytes] | None = None) -> bytes:
    """A package that dpkg-deb could have written."""
    control = PACKED[compression](tar({"./control": CONTROL} if files is None else files))
    return b"!<arch>\n" + member("debian-binary", b"2.0\n") + member(f"control.tar{compression}", control)


def header(entries: Mapping[int, tuple[int, int, bytes]], *, size: int | None = None) -> bytes:
    """A header of an rpm: tag to type, count and content; `size` is what it says of its store."""
    store, indexes = b"", b""
    for tag, (kind, count, data) in entries.items():
        store += b"\0" * (-len(store) % 4)
        indexes += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(entries), size or len(store)) + indexes + store


def rpm(entries: Mapping[int, tuple[int, int, bytes]] | None = None, *, size: int | None = None) -> bytes:
    """A package of the kernel 5.4-1.x86_64 with one file."""
    whole = {
        1000: (6, 1, b"kernel-lt\0"),
        1001: (6, 1, b"5.4\0"),
        1002: (6, 1, b"1\0"),
        1022: (6, 1, b"x86_64\0"),
        1116: (4, 1, struct.pack(">I", 0)),
        1117: (8, 1, b"vmlinuz-5.4-1.x86_64\0"),
        1118: (8, 1, b"/boot/\0"),
        **(entries or {}),
    }
    first = header({1000: (6, 1, b"x\0")})
    return b"\xed\xab\xee\xdb" + bytes(92) + first + bytes(-(len(first) - 32) % 8) + header(whole, size=size)
