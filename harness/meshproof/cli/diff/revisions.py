"""Manifests as they stand in revisions of a git repository; nothing is checked out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.errors import UsageError
from meshproof.manifest.source import beneath, contents_of, is_manifest
from meshproof.records import dataclass

LIMIT = 60.0
SHORT = 10
FILES = ("100644", "100755")
TREE = "040000"
SHAPE = "it is written BASE..HEAD, BASE...HEAD for what was added since they parted, or BASE for the files as they are"


FETCH = "fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 in GitLab"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a revision, by the name of its content."""

    path: str
    blob: str


def revisions(text: str) -> tuple[str, str, str]:
    """The two commits that a person names, and how the first is called in places; raises UsageError.

    The second is empty where one is named alone: that is held against the files as they are.
    """
    dots = "..." if "..." in text else ".."
    base, found, head = text.partition(dots)
    if not base or base.startswith("-") or head.startswith("-"):
        raise UsageError(f"--git {text}: {SHAPE}")
    first, second = (_git("rev-parse", "--verify", "--quiet", f"{one}^{{commit}}") for one in (base, head or "HEAD"))
    for name, commit in ((base, first), (head or "HEAD", second)):
        if not commit and _is_shallow():
            raise UsageError(f"--git {text}: this shallow clone has no revision {name}: fetch all of it ({FETCH})")
        if not commit:
            raise UsageError(f"--git {text}: there is no revision {name}")
    old, new = first.strip().decode(), second.strip().decode()
    if dots == "...":
        old = _git("merge-base", old, new).strip().decode()
        if not old and _is_shallow():
            raise UsageError(f"--git {text}: in this shallow clone the two meet nowhere: fetch all of it ({FETCH})")
        if not old:
            raise UsageError(f"--git {text}: the two have no commit in common")
    return old, new if found else "", base if dots == ".." else old[:SHORT]


def contents(revision: str, paths: Sequence[str], called: str = "", *, deep: bool = False) -> list[tuple[str, bytes]]:
    """The files of a revision that these paths name, with what is in them; a folder gives its own files.

    If `deep`, it gives those of its subfolders too, but for hidden ones.

    A path that the revision does not have gives none. With the revision `called` something, places in it are named as
    git names them: `main:k8s/routing.yaml`.
    """
    several = (one for path in paths for one in _files(revision, path, deep))
    head = f"{called}:" if called else ""
    return [(f"{head}{one.path}", _git("cat-file", "blob", one.blob)) for one in several]


def as_they_are(paths: Sequence[str], *, deep: bool = False) -> list[tuple[str, bytes]]:
    """The same of the files that are there, committed or not; a path that is not there gives none."""
    there = [path for path in paths if Path(path).exists()]
    return list(contents_of(beneath(there) if deep else there, None))


def _files(revision: str, path: str, deep: bool) -> Iterator[File]:
    name = path.rstrip("/") or "."
    listed = _listed(revision, name)
    folder = name == "." or (len(listed) == 1 and listed[0][0] == TREE)
    entries = _listed(revision, name if name == "." else f"{name}/", deep=deep) if folder else listed
    above = 0 if name == "." else name.count("/") + 1
    for mode, blob, file in entries:
        hidden = deep and any(one.startswith(".") for one in file.split("/")[above:-1])
        if mode in FILES and not hidden and (is_manifest(file) or not folder):
            yield File(file, blob)


def _listed(revision: str, path: str, *, deep: bool = False) -> list[tuple[str, str, str]]:
    """Mode, content and name of each entry."""
    words = ["ls-tree", "-z", *(["-r"] if deep else []), revision, "--", *([] if path == "." else [path])]
    found = []
    for entry in _git(*words).decode("utf-8", "surrogateescape").split("\0"):
        if entry:
            head, _, name = entry.partition("\t")
            mode, _, blob = head.split(" ")
            found.append((mode, blob, name))
    return found


def _is_shallow() -> bool:
    """Whether the history of this clone is cut off, as CI leaves it unless it is told otherwise."""
    return _git("rev-parse", "--is-shallow-repository").strip() == b"true"


def _git(*words: str) -> bytes:
    """What a git command prints; nothing where it fails by itself. Raises UsageError where there is no repository."""
    try:
        ended = subprocess.run(["git", *words], capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)  # noqa: S607
    except FileNotFoundError:
        raise UsageError("--git needs git on PATH") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {words[0]} gave no answer within {LIMIT:g} s") from None
    if b"not a git repository" in ended.stderr:
        raise UsageError("--git: this is no git repository")
    return ended.stdout if ended.returncode == 0 else b""
