"""Manifests to resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TextIO

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest import kinds
from meshproof.manifest.compose import compose
from meshproof.manifest.resource import Manifests, Notice, Resource
from meshproof.manifest.schema import check
from meshproof.manifest.source import texts
from meshproof.manifest.value import Value

MOST_PROBLEMS = 20
# How alike a misspelt kind is to the one that was meant, of 1; Service and ServiceEntry have 0.74.
LIKE = 0.85


def load(paths: Sequence[str], *, stdin: TextIO | None = None, namespace: str = "default") -> Manifests:
    """Read files, folders and `-` (standard input); `namespace` is given to what names none.

    Raises ManifestError with every problem found (20 at most), each with file:line:col, and
    UsageError for a path that is not there.
    """
    resources: list[Resource] = []
    notices: list[Notice] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str, str], Location] = {}
    for file, text in texts(paths, stdin):
        try:
            documents = list(compose(text, file))
        except ManifestError as error:
            problems += error.problems
            continue
        for body in (body for document in documents for body in _expanded(document)):
            try:
                found = _resource(body, namespace)
            except ManifestError as error:
                problems += error.problems
                continue
            if isinstance(found, Notice):
                notices.append(found)
                continue
            first = seen.setdefault(found.identity, found.location)
            if first is not found.location:
                message = f"{found} is given twice, first at {first}"
                problems.append(Problem(found.location, message, "keep one of the two"))
            resources.append(found)
    if problems:
        raise ManifestError(*problems[:MOST_PROBLEMS])
    if not resources:
        where = notices[0].location if notices else Location(paths[0] if paths else "", 1, 1)
        readable = ", ".join(kinds.ACCEPTED)
        raise ManifestError(Problem(where, "there is no resource here that meshproof reads", f"it reads {readable}"))
    return Manifests(tuple(resources), tuple(notices))


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
    hint = "every Kubernetes resource begins with apiVersion and kind"
    kind, version = body.need("kind", hint).text(), body.need("apiVersion", hint).text()
    if kind == "List":
        return Notice(body.location, "a List without items")
    group = version.rpartition("/")[0]
    if kind not in kinds.ACCEPTED and (meant := _meant(kind, version)):
        raise body.need("kind").problem(f"{version} has no kind {kind}", f"did you mean {meant}?")
    if kind not in kinds.ACCEPTED or group in kinds.FOREIGN_GROUPS:
        return Notice(body.location, f"{version} {kind} is not read: it has no part in what is verified")
    if version not in kinds.ACCEPTED[kind]:
        accepted = ", ".join(kinds.ACCEPTED[kind])
        raise body.need("apiVersion").problem(f"{kind} is not known as {version}", f"accepted: {accepted}")
    check(body, kinds.SCHEMAS[kind])
    metadata = body.need("metadata", "a resource needs a name")
    own = metadata.get("namespace")
    name = metadata.need("name", "a resource needs a name").text()
    return Resource(kind, version, "" if kind == "Namespace" else own.text() if own else namespace, name, body)
