"""A folder's manifests to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from meshproof.collector import collector_paused
from meshproof.errors import ManifestError, Problem
from meshproof.lint.catalogue import CATALOGUE
from meshproof.lint.check import Finding
from meshproof.lint.folder import Folder
from meshproof.lint.ignores import Ignore, heeded, ignores
from meshproof.manifest.load import load
from meshproof.manifest.source import contents_of, decoded
from meshproof.mesh.build.assemble import build_all
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found, in the order of the files, in how many objects, by how many checks."""

    findings: tuple[Finding, ...]
    objects: int
    checks: int


@collector_paused()
def lint(
    paths: Sequence[str],
    *,
    stdin: TextIO | None = None,
    namespace: str = "default",
    left_out: frozenset[str] = frozenset(),
) -> Linted:
    """Look for everything but the codes that are `left_out`.

    Raises ManifestError where nothing of the manifests can be read, and UsageError for a path that is not there.
    """
    comments: list[Ignore] = []
    unread: list[Problem] = []
    files = [*_read(contents_of(paths, stdin), comments, unread)]
    if unread and not files:
        raise ManifestError(*unread)
    manifests = load(paths, namespace=namespace, strict=False, contents=files)
    folder = Folder(manifests, build_all(manifests), tuple(unread))
    found = heeded(_found(folder, left_out), comments, left_out)
    kept = {(one.code, one.location, one.message): one for one in found if one.code not in left_out}
    several = sorted(kept.values(), key=lambda one: (one.location, one.severity.rank, one.code, one.message))
    objects = len(manifests.resources) + len(manifests.foreign) + len(manifests.refusals)
    return Linted(tuple(several), objects, sum(one.code not in left_out for one in CATALOGUE))


def _read(
    files: Iterable[tuple[str, bytes]], comments: list[Ignore], unread: list[Problem]
) -> Iterator[tuple[str, bytes]]:
    """The files that are text, their comments put among these; what is wrong with the others is put among those."""
    for name, data in files:
        try:
            comments += ignores(name, decoded(name, data))
        except ManifestError as error:
            unread += error.problems
        else:
            yield name, data


def _found(folder: Folder, left_out: frozenset[str]) -> Iterator[Finding]:
    for check in CATALOGUE:
        if check.code not in left_out:
            for one in check.find(folder):
                yield Finding(
                    check, one.location, redact(one.message), redact(_sentence(one.fix)) or check.fix, one.other
                )


def _sentence(fix: str) -> str:
    """A hint as a sentence."""
    end = "" if fix.endswith("?") else "."
    return f"{fix[0].upper()}{fix[1:].rstrip('.')}{end}" if fix else ""
