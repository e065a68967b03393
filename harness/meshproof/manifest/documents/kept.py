"""What a run keeps of documents that it did not read as they stand, so that whoever reads them again knows no more.

Kinds of meshproof's own beside those of captured.py: of what is `Refused` the object stays, without credentials, or the
words of a text that is none; what is `Patched` names the objects that a kustomization changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.captured import API_VERSION, is_own
from meshproof.manifest.documents.patches import is_for
from meshproof.manifest.resource import Patch, Refusal, Resource
from meshproof.manifest.value import Value

REFUSED, PATCHED = "Refused", "Patched"
PLACE = re.compile(r"(.*):([1-9][0-9]{0,8}):([1-9][0-9]{0,8})", re.DOTALL)
Known = Callable[[Value], object]


def refused(refusal: Refusal, body: Any, words: Iterable[str]) -> dict[str, Any]:
    """The document of a refusal: of its object with this `body`, or of a text with these `words`."""
    problems = [_problem(one) for one in refusal.problems]
    said: dict[str, Any] = {"place": str(refusal.location), "problems": problems}
    said |= {"first": str(refusal.first)} if refusal.first else {}
    said |= {"object": body} if refusal.resource else {"words": sorted(words), "digest": refusal.digest}
    return _document(REFUSED, refusal.location, said)


def _problem(one: Problem) -> dict[str, str]:
    said = {"place": str(one.location), "message": one.message}
    return said | {"hint": one.hint} if one.hint else said


def patched(patch: Patch, resources: Iterable[Resource]) -> dict[str, Any] | None:
    """The document of a patch; None where it is for none of these resources."""
    found = dict.fromkeys((one.kind, one.namespace, one.name) for one in resources if is_for(patch, one))
    objects = [{"kind": kind, "namespace": place, "name": name} for kind, place, name in found]
    return _document(PATCHED, patch.location, {"place": str(patch.location), "objects": objects}) if objects else None


def _document(kind: str, where: Location, spec: dict[str, Any]) -> dict[str, Any]:
    name = f"line-{where.line}-column-{where.column}"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def kept(body: Value, known: Known) -> Refusal | tuple[Patch, ...] | None:
    """What was kept: a refusal, or patches; None for any other document, or where it is not as it is written here.

    `known` tells which resource a document is; it may raise ManifestError.
    """
    kind = body.get("kind") if is_own(body) else None
    try:
        if kind and kind.data == REFUSED:
            return _refusal(body.need("spec"), known)
        return tuple(_patches(body.need("spec"))) or None if kind and kind.data == PATCHED else None
    except ManifestError:
        return None


def _refusal(spec: Value, known: Known) -> Refusal | None:
    problems = tuple(_read_problem(one) for one in spec.list("problems"))
    inner, first = spec.get("object"), spec.get("first")
    resource = known(inner) if inner else None
    found = resource if isinstance(resource, Resource) else None
    words = frozenset(one.text() for one in spec.list("words"))
    digest = "" if inner else spec.need("digest").text()
    place, before = _place(spec.need("place")), _place(first) if first else None
    is_whole = bool(problems) and (found is not None) == (inner is not None)
    return Refusal(place, problems, found, words, digest, before) if is_whole else None


def _read_problem(one: Value) -> Problem:
    hint = one.get("hint")
    return Problem(_place(one.need("place")), one.need("message").text(), hint.text() if hint else "")


def _patches(spec: Value) -> Iterator[Patch]:
    place = _place(spec.need("place"))
    for one in spec.list("objects"):
        kind, namespace, name = (one.need(field).text() for field in ("kind", "namespace", "name"))
        yield Patch(place, kind, name, namespace=namespace)


def _place(value: Value) -> Location:
    """A place as it is written; raises ManifestError where it is none."""
    found = PLACE.fullmatch(value.text())
    if not found:
        raise value.problem("this is no place in a file", "FILE:LINE:COLUMN")
    return Location(found[1], int(found[2]), int(found[3]))
