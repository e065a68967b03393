"""Manifests to resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TextIO

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest import kinds
from meshproof.manifest.documents import documents, other_file, words
from meshproof.manifest.foreign import decides
from meshproof.manifest.resource import Manifests, Notice, Refusal, Resource
from meshproof.manifest.schema import check
from meshproof.manifest.source import texts
from meshproof.manifest.value import Value

MOST_PROBLEMS = 20
# How alike a misspelt kind is to the one that was meant, of 1; Service and ServiceEntry have 0.74.
LIKE = 0.85


def load(
    paths: Sequence[str], *, stdin: TextIO | None = None, namespace: str = "default", strict: bool = True
) -> Manifests:
    """Read files, folders and `-` (standard input); `namespace` is given to what names none.

    `strict` raises ManifestError with every problem found (20 at most), each with file:line:col; else each
    document with a problem is a Refusal, and the rest is read. Either way ManifestError where nothing can be
    read at all, and UsageError for a path that is not there.
    """
    read = _Read(namespace)
    for file, text in texts(paths, stdin):
        for document in documents(text, file):
            if isinstance(document, Refusal):
                read.refusals.append(document)
            elif isinstance(document, Notice):
                read.notices.append(document)
            else:
                for body in _expanded(document):
                    read.take(body)
    problems = [problem for refusal in read.refusals for problem in refusal.problems]
    if problems and (strict or not (read.resources or read.foreign)):
        raise ManifestError(*problems[:MOST_PROBLEMS])
    if not read.resources and not read.foreign:
        where = read.notices[0].location if read.notices else Location(paths[0] if paths else "", 1, 1)
        readable = ", ".join(kinds.ACCEPTED)
        raise ManifestError(Problem(where, "there is no resource here that meshproof reads", f"it reads {readable}"))
    return Manifests(tuple(read.resources), tuple(read.notices), tuple(read.foreign), tuple(read.refusals))


@dataclass(slots=True)
class _Read:
    """What has been read so far."""

    namespace: str
    resources: list[Resource] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    foreign: list[Resource] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    seen: dict[tuple[str, str, str], Location] = field(default_factory=dict)

    def take(self, body: Value) -> None:
        """Sort one document in."""
        resource = None
        try:
            found = resource = _resource(body, self.namespace)
            if isinstance(found, Notice):
                self.notices.append(found)
                return
            if not kinds.is_modelled(found):
                self.foreign.append(found)
                return
            check(found.body, kinds.SCHEMAS[found.kind])
            first = self.seen.setdefault(found.identity, found.location)
            if first is not found.location:
                message = f"{found} is given twice, first at {first}"
                raise ManifestError(Problem(found.location, message, "keep one of the two"))
            self.resources.append(found)
        except ManifestError as error:
            known = resource if isinstance(resource, Resource) else None
            self.refusals.append(Refusal(body.location, error.problems, known, frozenset() if known else words(body)))


def _expanded(body: Value) -> Iterator[Value]:
    if isinstance(body.data, dict) and (kind := body.get("kind")) and kind.data == "List" and body.get("items"):
        for item in body.list("items"):
            yield from _expanded(item)
    else:
        yield body


def _meant(kind: str, version: str) -> str:
    """The kind of that apiVersion that was misspelt so; empty when there is none."""
    there = [name for name, versions in kinds.ACCEPTED.items() if version in versions]
    return next(iter(get_close_matches(kind, there, 1, LIKE)), "")


def _resource(body: Value, namespace: str) -> Resource | Notice:
    if not isinstance(body.data, dict):
        raise body.problem("a manifest is a mapping with apiVersion, kind and metadata", "this may be another file")
    if told := other_file(body):
        return told
    hint = "every Kubernetes resource begins with apiVersion and kind"
    kind, version = body.need("kind", hint).text(), body.need("apiVersion", hint).text()
    if kind == "List":
        return Notice(body.location, "a List without items")
    group = version.rpartition("/")[0]
    if kind not in kinds.ACCEPTED and (meant := _meant(kind, version)):
        raise body.need("kind").problem(f"{version} has no kind {kind}", f"did you mean {meant}?")
    accepted = kinds.is_read(kind, group)
    if accepted and version not in kinds.ACCEPTED[kind]:
        known = ", ".join(kinds.ACCEPTED[kind])
        raise body.need("apiVersion").problem(f"{kind} is not known as {version}", f"accepted: {known}")
    named, own = "", namespace
    if accepted or isinstance((body.get("metadata") or body).data, dict):
        metadata = body.need("metadata", "a resource needs a name") if accepted else body.get("metadata")
        given = metadata.get("name") if metadata else None
        place = metadata.get("namespace") if metadata else None
        named = given.text() if given else ""
        own = place.text() if place else namespace
        if accepted and not named and metadata:
            metadata.need("name", "a resource needs a name")
    if not accepted and not decides(version, kind, own, named):
        return Notice(body.location, f"{version} {kind} is not read: it has no part in what is verified")
    return Resource(kind, version, "" if kind == "Namespace" else own, named, body)
