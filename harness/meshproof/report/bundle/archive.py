"""The bytes of a bundle: a tar of plain files in gzip, the same for the same files, and read without trust."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from meshproof.errors import UsageError
from meshproof.report.bundle.index import FILE, INDEX, PROXY, Bundle, bundle, index

MEGABYTE = 1 << 20
LARGEST, LARGEST_INSIDE, LARGEST_INDEX = 64 * MEGABYTE, 160 * MEGABYTE, 4 * MEGABYTE
MOST_FILES = 16
GZIP = 16 + zlib.MAX_WBITS


def packed(found: Bundle) -> bytes:
    """The bundle as the bytes of a file."""
    files = {INDEX: index(found), **dict(sorted(found.files.items()))}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            # Without a time, an owner, or anything else of the machine that writes it.
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


def unpacked(data: bytes, name: str) -> Bundle:
    """The bundle in these bytes; raises UsageError for whatever `packed` would not have written.

    Nothing is written to the disk. What it would become is known to be small before it is made.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(data, name)), mode="r:") as tar:
            for member, content in _members(tar, name):
                if member in files:
                    raise UsageError(f"{name}: holds {member} twice")
                files[member] = content
    except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError):
        raise UsageError(f"{name}: is no tar archive, or a damaged one") from None
    if INDEX not in files:
        raise UsageError(f"{name}: has no {INDEX}, and so is no bundle")
    return bundle(files.pop(INDEX), files, name)


def read(path: Path) -> Bundle:
    """The bundle in a file; raises UsageError."""
    try:
        if not path.is_file():
            raise UsageError(f"{path}: is no file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return unpacked(data, str(path))


def _inflated(data: bytes, name: str) -> bytes:
    if len(data) > LARGEST:
        raise UsageError(f"{name}: is larger than {LARGEST // MEGABYTE} MB")
    stream = zlib.decompressobj(GZIP)
    try:
        found = stream.decompress(data, LARGEST_INSIDE + 1)
    except zlib.error:
        raise UsageError(f"{name}: is no gzip file, or a damaged one") from None
    if len(found) > LARGEST_INSIDE:
        raise UsageError(f"{name}: would be larger than {LARGEST_INSIDE // MEGABYTE} MB when unpacked")
    if not stream.eof or stream.unused_data:
        raise UsageError(f"{name}: is cut off, or something follows its end")
    return found


def _members(tar: tarfile.TarFile, name: str) -> Iterator[tuple[str, bytes]]:
    for number, member in enumerate(tar, 1):
        if number > MOST_FILES:
            raise UsageError(f"{name}: holds more than {MOST_FILES} files")
        shown = ascii(member.name[:100])
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None or member.pax_headers:
            raise UsageError(f"{name}: {shown} is no plain file (a link, a folder, a device, or extended headers)")
        if member.name != INDEX and not (FILE.match(member.name) or PROXY.match(member.name)):
            raise UsageError(f"{name}: a bundle holds no file of the name {shown}")
        if member.name == INDEX and member.size > LARGEST_INDEX:
            raise UsageError(f"{name}: {INDEX} is larger than {LARGEST_INDEX // MEGABYTE} MB")
        content = tar.extractfile(member)
        data = content.read() if content else b""
        if len(data) != member.size:
            raise UsageError(f"{name}: {shown} is cut off")
        yield member.name, data
