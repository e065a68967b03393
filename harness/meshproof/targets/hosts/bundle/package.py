"""The metadata of a package file: name, version, architecture, and the kernel that it contains.

Formats: https://rpm-software-management.github.io/rpm/manual/format_v4.html and deb(5).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.bundle.archive import DAMAGED, Bounded, blocks

RPM_LEAD, RPM_MAGIC, HEADER_MAGIC = 96, b"\xed\xab\xee\xdb", b"\x8e\xad\xe8\x01"
NAME, VERSION, RELEASE, EPOCH, ARCH, DIRINDEXES, BASENAMES, DIRNAMES = 1000, 1001, 1002, 1003, 1022, 1116, 1117, 1118
LISTS = (BASENAMES, DIRNAMES)
WANTED = {NAME, VERSION, RELEASE, EPOCH, ARCH, DIRINDEXES, *LISTS}
NUMBERS, TEXTS = 4, (6, 8, 9)
DEB_MAGIC = b"!<arch>\n"
# The headers of kernel-devel, with some 20,000 files, have 3 MB.
LARGEST_HEADER = 32 * 1024 * 1024
MOST_FILES = 200_000
LONGEST_TEXT = 4096
LARGEST_CONTROL = 4 * 1024 * 1024
MOST_INDEXES = 100_000
# dpkg-deb writes three members.
MOST_MEMBERS = 100
LZMA_MEMORY = 128 * 1024 * 1024
DEB_KERNEL = re.compile(r"linux-image-(?:unsigned-)?(\d+\.\d+.*)")


@dataclass(frozen=True, slots=True)
class Package:
    """One package file. `kernel` is what `uname -r` prints where its kernel runs; empty for any other package."""

    path: Path
    name: str
    version: str
    architecture: str
    kernel: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.architecture})"


def read_package(path: Path) -> Package:
    """Read a .rpm or .deb file; raises UsageError when it is none."""
    try:
        with path.open("rb") as stream:
            if path.suffix == ".rpm":
                return _rpm(path, io.BufferedReader(stream.raw))
            return _deb(path, stream)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (struct.error, IndexError, KeyError, *DAMAGED):
        raise UsageError(f"{path}: this is not a {path.suffix} package, or it is damaged") from None


def _rpm(path: Path, stream: io.BufferedReader) -> Package:
    if stream.read(RPM_LEAD)[:4] != RPM_MAGIC:
        raise ValueError("no lead")
    _, size = _header(stream)
    stream.read(-size % 8)
    tags, _ = _header(stream)
    (name,), (version,), (release,), (arch,) = (tags[tag] for tag in (NAME, VERSION, RELEASE, ARCH))
    epoch = f"{tags[EPOCH][0]}:" if EPOCH in tags else ""
    folders = tags.get(DIRNAMES, [])
    files = (
        f"{folders[int(index)]}{base}"
        for base, index in zip(tags.get(BASENAMES, []), tags.get(DIRINDEXES, []), strict=True)
    )
    return Package(path, str(name), f"{epoch}{version}-{release}", str(arch), _kernel_among(files))


def _kernel_among(files: Iterator[str]) -> str:
    """EL7 puts the kernel into /boot; later ones put it below /lib/modules and copy it when it is installed."""
    for file in files:
        if matched := re.fullmatch(r"/boot/vmlinuz-(\S+)|(?:/usr)?/lib/modules/([^/\s]+)/vmlinuz", file):
            return matched[1] or matched[2]
    return ""


def _header(stream: io.BufferedReader) -> tuple[dict[int, list[str | int]], int]:
    magic, _, count, size = struct.unpack(">4s4sII", stream.read(16))
    if magic != HEADER_MAGIC or count > MOST_INDEXES or size > LARGEST_HEADER:
        raise ValueError("no header")
    indexes = [struct.unpack(">IIII", stream.read(16)) for _ in range(count)]
    store = stream.read(size)
    if len(store) < size:
        raise EOFError
    tags: dict[int, list[str | int]] = {}
    for tag, kind, offset, number in indexes:
        if tag not in WANTED:
            continue
        if number > MOST_FILES or tag in tags:
            raise ValueError("no count")
        if kind in TEXTS:
            tags[tag] = list(_texts(store, offset, number if tag in LISTS else 1))
        elif kind == NUMBERS and tag in (EPOCH, DIRINDEXES):
            tags[tag] = list(struct.unpack_from(f">{number}I", store, offset))
    return tags, size


def _texts(store: bytes, offset: int, number: int) -> Iterator[str]:
    for _ in range(number):
        end = store.index(b"\0", offset, offset + LONGEST_TEXT)
        yield store[offset:end].decode(errors="replace")
        offset = end + 1


def _deb(path: Path, stream: io.BufferedIOBase) -> Package:
    if stream.read(8) != DEB_MAGIC:
        raise ValueError("no archive")
    for _ in range(MOST_MEMBERS):
        header = stream.read(60)
        member, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
        if size < 0:
            raise ValueError("a size below zero")
        if member.startswith("control.tar"):
            if size > LARGEST_CONTROL:
                raise ValueError("control too large")
            return _from_control(path, _unpacked(member, stream.read(size)))
        stream.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("no control")


def _unpacked(member: str, data: bytes) -> bytes | None:
    """The uncompressed tar; None for a compression (zstd) that this Python does not have."""
    if member.endswith(".xz"):
        return lzma.LZMADecompressor(memlimit=LZMA_MEMORY).decompress(data, LARGEST_CONTROL)
    if member.endswith(".gz"):
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read(LARGEST_CONTROL)
    if member.endswith(".bz2"):
        return bz2.BZ2Decompressor().decompress(data, LARGEST_CONTROL)
    return data if member.endswith(".tar") else None


def _from_control(path: Path, control: bytes | None) -> Package:
    if control is None:
        # The name of the file is how dpkg-deb writes it: NAME_VERSION_ARCHITECTURE.deb.
        name, version, architecture = path.stem.split("_")
        return Package(path, name, version.replace("%3a", ":"), architecture, _deb_kernel(name))
    # Forwards only: a member whose size is below zero would lead back to itself.
    stream = cast(BinaryIO, Bounded(cast(BinaryIO, io.BytesIO(control)), str(path), len(control)))
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        member = next((one for one in tar if one.name in ("control", "./control") and one.isreg()), None)
        if member is None or not 0 <= member.size <= LARGEST_CONTROL:
            raise ValueError("no control file")
        text = b"".join(blocks(tar, member)).decode(errors="replace")
    fields = dict(re.findall(r"^(Package|Version|Architecture):[ \t]*(\S+)", text, re.MULTILINE))
    return Package(path, fields["Package"], fields["Version"], fields["Architecture"], _deb_kernel(fields["Package"]))


def _deb_kernel(name: str) -> str:
    matched = DEB_KERNEL.fullmatch(name)
    return matched[1].removesuffix("-unsigned") if matched else ""
