"""The git commit that manifests stand in, and whether they were read as they stand there.

Nothing of the repository's configuration is carried out: git only names the commit and its objects, and the files are
compared with them here. A filter (LFS, line ends) makes a file differ from its object, and so not clean.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from meshproof.border.facts.provenance import Commit, Digest

LIMIT = 20.0
AT_ONCE = 500


def commit_of(sources: Sequence[Digest]) -> Commit | None:
    """The commit of the repository that holds the first of these files; None where there is none, or no git."""
    first = next((_whole(one.file) for one in sources if Path(one.file).exists()), None)
    named = _git(first.parent, "rev-parse", "--show-toplevel", "HEAD") if first else None
    if named is None or named.count(b"\n") != 2:
        return None
    top, commit = (Path(os.fsdecode(one)) for one in named.splitlines())
    places = {one: _whole(one.file) for one in sources}
    inside = {one: place.relative_to(top) for one, place in places.items() if place.is_relative_to(top)}
    blobs = _blobs(top, str(commit), {one.parent.as_posix() for one in inside.values()})
    same = {one for one, name in inside.items() if _is_blob(places[one], one, blobs.get(os.fsencode(name.as_posix())))}
    changed = tuple(sorted({one.file for one in sources if one not in same}))
    return Commit(str(commit), not changed, changed)


def _whole(file: str) -> Path:
    """Where a file is; the file itself may be a link, and is one then."""
    path = Path(file).absolute()
    return Path(os.path.realpath(path.parent)) / path.name


def _blobs(top: Path, commit: str, folders: Iterable[str]) -> dict[bytes, bytes]:
    """The ids of the plain files in these folders, by their names from the top."""
    deeper = sorted(f"{one}/" for one in folders if one != ".")
    # Without a path the entries of the top itself are listed.
    several = [[], *(deeper[start : start + AT_ONCE] for start in range(0, len(deeper), AT_ONCE))]
    found: dict[bytes, bytes] = {}
    for paths in several:
        listed = _git(top, "ls-tree", "-z", "--full-tree", commit, *(["--", *paths] if paths else []))
        for entry in (listed or b"").split(b"\0"):
            about, _, name = entry.partition(b"\t")
            if about.startswith(b"100"):
                found[name] = about.split()[2]
    return found


def _is_blob(path: Path, read: Digest, blob: bytes | None) -> bool:
    """Whether the file still is what was read, and that git object."""
    if blob is None or path.is_symlink():
        return False
    try:
        data = path.read_bytes()
    except OSError:
        return False
    make = hashlib.sha256 if len(blob) == 64 else hashlib.sha1
    object_id = make(b"blob %d\0" % len(data) + data).hexdigest().encode()
    return hashlib.sha256(data).hexdigest() == read.sha256 and object_id == blob


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, None where it fails. Variables that name another repository are left out."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    argv = ["git", "--literal-pathspecs", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder)]
    try:
        ended = subprocess.run(
            [*argv, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, env=env, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout if ended.returncode == 0 else None
