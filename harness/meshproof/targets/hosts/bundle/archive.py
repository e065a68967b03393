"""Unpack a tar archive of unknown origin into a new folder.

A bundle needs folders and plain files. Everything else that tar can hold is refused before it is created: links
and devices, names that lead out of the folder, files that overwrite each other, sparse files, and archives with an
implausible compression ratio. Permissions, owners and times of the archive are ignored, except that a file may be
executable.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from meshproof.errors import UsageError
from meshproof.records import dataclass

MOST_MEMBERS = 50_000
DEEPEST = 32
LONGEST_NAME = 1024
# Archives of kernels and images are compressed by a factor of about three, source trees by ten.
SWELLING = 50
ALWAYS_ALLOWED = 64 * 1024 * 1024
# tar's own records (long names, attributes) are read at once: a larger one would be an attack on memory.
LARGEST_READ = 1024 * 1024
COPY_BYTES = 256 * 1024
GZIP, BZIP2 = b"\x1f\x8b", b"BZh"
# What reading a damaged archive raises; tarfile follows each of its own records by a call within the last.
DAMAGED = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, ValueError, RecursionError)


@dataclass(slots=True)
class Bounded:
    """A stream that can only be read forwards, up to a limit."""

    source: BinaryIO
    name: str
    limit: int
    position: int = 0

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset < self.position:
            raise UsageError(f"{self.name}: the archive refers back to an earlier position")
        while self.position < offset:
            if not self.read(min(COPY_BYTES, offset - self.position)):
                raise UsageError(f"{self.name}: the archive ends in the middle of a file")
        return self.position

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise UsageError(f"{self.name}: a record of the archive is larger than {LARGEST_READ} bytes")
        data = self.source.read(size)
        self.position += len(data)
        if self.position > self.limit:
            raise UsageError(f"{self.name}: unpacks to more than {SWELLING} times its size, which is refused")
        return data


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """A tar archive, packed by gzip or bzip2 or not at all, that is read forwards once and never beyond its limits.

    Its members are to be taken in their order, and read by `blocks`.
    """
    packed = archive.stat().st_size
    with archive.open("rb") as raw:
        start = raw.read(3)
        raw.seek(0)
        source: BinaryIO = raw
        if start.startswith(GZIP):
            source = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        elif start == BZIP2:
            source = cast(BinaryIO, bz2.BZ2File(raw))
        stream = Bounded(source, str(archive), packed * SWELLING + ALWAYS_ALLOWED)
        with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:") as tar:
            yield tar


def blocks(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    """The content of a plain file; EOFError where the archive ends before it does."""
    source = tar.extractfile(member)
    assert source is not None
    left = member.size
    while left > 0:
        data = source.read(min(COPY_BYTES, left))
        if not data:
            raise EOFError("it ends in the middle of a file")
        yield data
        left -= len(data)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack into `folder`, which must not exist; removes it again when it raises UsageError."""
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
    try:
        _unpack(archive, folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, DAMAGED):
            raise UsageError(f"{archive}: this is not a tar archive, or it is damaged: {error}") from None
        if isinstance(error, OSError):
            raise UsageError(f"{archive}: cannot be unpacked into {folder}: {error.strerror or error}") from None
        raise


def _unpack(archive: Path, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    seen: set[tuple[str, ...]] = set()
    with opened(archive) as tar:
        for number, member in enumerate(tar, start=1):
            if number > MOST_MEMBERS:
                raise UsageError(f"{archive}: has more than {MOST_MEMBERS} members")
            parts = _target(archive, member)
            if member.isdir():
                folder.joinpath(*parts).mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            if parts in seen:
                raise UsageError(f"{archive}: holds {_shown(member.name)} twice")
            seen.add(parts)
            free -= member.size
            if free < 0:
                raise UsageError(f"{archive}: does not fit on the disk of {folder}; free some space")
            _write(tar, member, folder.joinpath(*parts))


def _target(archive: Path, member: tarfile.TarInfo) -> tuple[str, ...]:
    """The path of a member below the folder; refuses members that must not be unpacked."""
    name = _shown(member.name)
    if member.issparse() or not (member.isdir() or member.isreg()):
        kind = "a link" if member.islnk() or member.issym() else "neither a plain file nor a folder"
        raise UsageError(f"{archive}: {name} is {kind}; a bundle holds plain files and folders only")
    if member.name.startswith("/") or "\\" in member.name or "\0" in member.name or len(member.name) > LONGEST_NAME:
        raise UsageError(f"{archive}: {name} is not a relative name")
    parts = tuple(part for part in member.name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise UsageError(f"{archive}: {name} leads out of the archive")
    if len(parts) > DEEPEST or (not parts and not member.isdir()) or member.size < 0:
        raise UsageError(f"{archive}: {name} is not a name for a file of a bundle")
    return parts


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = 0o755 if member.mode & 0o100 else 0o644
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as target:
        for data in blocks(tar, member):
            target.write(data)


def _shown(name: str) -> str:
    return repr(name if len(name) <= 120 else name[:120] + "…")
