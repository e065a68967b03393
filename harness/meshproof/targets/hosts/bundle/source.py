"""Where a bundle comes from: a folder, an archive, or an HTTP URL; and whether its checksum is right."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.bounded import read_file
from meshproof.errors import TargetError, UsageError
from meshproof.targets.hosts.bundle.archive import unpack

SHA256 = re.compile(r"[0-9a-f]{64}")
SUMS = "SHA256SUMS"
SIDE_FILE = ".sha256"
LARGEST_DOWNLOAD = 64 * 1024**3
LARGEST_SUMS = 16 * 1024 * 1024
BLOCK = 1024 * 1024
# Bytes in a second; a server that keeps a download just alive with less would hold it for ever.
SLOWEST = 1024
Tell = Callable[[str], None]


def _silent(_text: str) -> None:
    """Report no progress."""


async def fetch(origin: str, checksum: str, cache: Path, timeouts: Timeouts, tell: Tell = _silent) -> Path:
    """The folder of the bundle `origin`, unpacked below `cache` unless it is a folder itself.

    `checksum` is the archive's SHA-256 in hexadecimal digits: required for a URL; for a file also taken from a
    `FILE.sha256` beside it. A folder is checked against a `SHA256SUMS` in it. Raises UsageError for a bundle with
    another checksum, TargetError when a download fails.
    """
    checksum = checksum.lower().removeprefix("sha256:")
    if checksum and not SHA256.fullmatch(checksum):
        raise UsageError(f"--bundle-sha256 {checksum[:80]!r} is not a SHA-256: give its 64 hexadecimal digits")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", origin):
        archive = await asyncio.to_thread(_download, origin, checksum, cache, timeouts.bundle_answer, tell)
        return await asyncio.to_thread(_unpacked, archive, checksum, cache)
    return await asyncio.to_thread(_local, Path(origin), checksum, cache)


def _local(path: Path, checksum: str, cache: Path) -> Path:
    if not path.exists():
        raise UsageError(f"{path}: there is no such bundle; name a folder, a tar archive or an http(s) URL")
    if not path.is_dir():
        return _from_file(path, checksum, cache)
    if checksum:
        raise UsageError(f"{path} is a folder, which has no checksum: put a {SUMS} into it instead")
    _check_sums(path)
    return path


def _from_file(path: Path, checksum: str, cache: Path) -> Path:
    beside = path.with_name(path.name + SIDE_FILE)
    if not checksum and beside.is_file():
        checksum = _read(beside)[:64].lower()
        if not SHA256.fullmatch(checksum):
            raise UsageError(f"{beside}: does not begin with the 64 hexadecimal digits of a SHA-256")
    actual = sha256(path)
    if checksum and actual != checksum:
        raise UsageError(f"{path}: its SHA-256 is {actual}, not {checksum}; this is another bundle")
    return _unpacked(path, actual, cache)


def _unpacked(archive: Path, checksum: str, cache: Path) -> Path:
    """The archive's content; unpacked once, and renamed into place when it is complete."""
    folder = cache / checksum
    if not folder.is_dir():
        _make(cache)
        fresh = cache / f"{checksum}.new.{os.getpid()}"
        unpack(archive, fresh)
        try:
            fresh.rename(folder)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            if not folder.is_dir():
                raise
    return folder


def _make(cache: Path) -> None:
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{cache}: cannot be made: {error.strerror}") from None


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits; raises UsageError when it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: this is not a plain file")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _read(path: Path) -> str:
    try:
        return read_file(path, LARGEST_SUMS).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _check_sums(folder: Path) -> None:
    sums = folder / SUMS
    if not sums.is_file():
        return
    for number, line in enumerate(_read(sums).splitlines(), start=1):
        wanted, _, name = line.strip().partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if not wanted:
            continue
        if not SHA256.fullmatch(wanted) or not name or name.startswith("/") or ".." in name.split("/"):
            raise UsageError(f"{sums}:{number}: this is not a line that sha256sum writes")
        actual = sha256(folder / name)
        if actual != wanted:
            raise UsageError(f"{folder / name}: its SHA-256 is {actual}, and {SUMS} says {wanted}")


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise UsageError(f"the server redirects from HTTP to {newurl[:80]!r}: refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, checksum: str, cache: Path, limit: float, tell: Tell) -> Path:
    """The file behind a URL; the part that came before a broken connection is kept and not downloaded again."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{url[:80]!r} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{parts.scheme}://…: a bundle comes from a folder, a file, or an http(s) URL")
    if parts.username or parts.password:
        raise UsageError("the bundle's URL holds a password, which would be in logs: leave it out")
    if not checksum:
        raise UsageError("a bundle from a URL needs --bundle-sha256, or anybody on the way could change it")
    _make(cache)
    done, part = cache / f"{checksum}.archive", cache / f"{checksum}.part"
    if done.is_file() and sha256(done) == checksum:
        return done
    shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    opener = urllib.request.build_opener(_OnlyHttp())
    try:
        with opener.open(request, timeout=limit) as answer:
            fresh = answer.status != 206
            total = (0 if fresh else have) + _length(answer.headers.get("Content-Length"), shown)
            received = _receive(answer, part, fresh, total, shown, limit, tell)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            part.unlink()
            raise TargetError(f"{shown}: the server has no more than was received before; run it again") from None
        raise TargetError(f"{shown}: the server answered {error.code} {str(error.reason)[:80]!r}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        kept = part.stat().st_size if part.exists() else 0
        raise TargetError(
            f"{shown}: the download was cut after {kept} bytes; running it again continues there",
            f"{type(error).__name__}: {error}"[:500],
        ) from None
    if total and received < total:
        raise TargetError(f"{shown}: {received} of {total} bytes came; running it again continues there")
    actual = sha256(part)
    if actual != checksum:
        part.unlink()
        raise UsageError(f"{shown}: its SHA-256 is {actual}, not {checksum}; the download is deleted")
    part.rename(done)
    return done


def _length(header: str | None, shown: str) -> int:
    """What a Content-Length says; 0 without any."""
    text = (header or "0").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise TargetError(f"{shown}: the server says that it sends {text[:40]!r} bytes")
    if int(text) > LARGEST_DOWNLOAD:
        raise UsageError(f"{shown}: larger than {LARGEST_DOWNLOAD} bytes")
    return int(text)


def _receive(answer: Any, part: Path, fresh: bool, total: int, shown: str, limit: float, tell: Tell) -> int:
    with part.open("wb" if fresh else "ab") as file:
        size, reported = file.tell(), 0
        since, then = time.monotonic(), size
        while data := answer.read1(BLOCK):
            file.write(data)
            size += len(data)
            if size > LARGEST_DOWNLOAD:
                raise UsageError(f"{shown}: larger than {LARGEST_DOWNLOAD} bytes")
            if (waited := time.monotonic() - since) > limit:
                if size - then < waited * SLOWEST:
                    raise TimeoutError(f"only {size - then} bytes came in {waited:.0f} s")
                since, then = time.monotonic(), size
            if total and size * 10 // total > reported:
                reported = size * 10 // total
                tell(f"{shown}: {size // BLOCK} of {total // BLOCK} MB")
    return size
