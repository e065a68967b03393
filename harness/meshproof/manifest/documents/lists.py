"""Lists of resources (`List`, `ServiceList` …) to the resources in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from meshproof.errors import Problem
from meshproof.manifest.compose import Document
from meshproof.manifest.node import NO_KEY, Node
from meshproof.manifest.value import Value

SUFFIX = "List"


def expanded(document: Document) -> Iterator[Document]:
    """The items of a list, each with its own problems; a document that is no list as it is.

    An item that says neither its kind nor its version has them from the list, as the API server's own lists have
    it (k8s.io/apimachinery pkg/apis/meta/v1/unstructured, decodeToList).
    """
    body = document.body
    kind = body.get("kind") if body.is_mapping else None
    if kind is None or not str(kind.data).endswith(SUFFIX) or not body.get("items"):
        yield document
        return
    items = [_named(item, body, str(kind.data)) for item in body.list("items")]
    if not document.problems:
        yield from chain.from_iterable(expanded(Document(item)) for item in items)
        return
    shares = _shares(items, document.problems)
    for item, problems in zip(items, shares, strict=True):
        yield from expanded(Document(item, problems))


def _named(item: Value, holder: Value, kind: str) -> Value:
    """An item as a document of its own."""
    own, fields, above = kind.removesuffix(SUFFIX), item.content, holder.content
    if type(fields) is not dict or type(above) is not dict:
        return item
    if not own or item.get("kind") or item.get("apiVersion"):
        return item.written(fields)
    holder.need("apiVersion")
    given: dict[str, Node] = {"kind": (own, above["kind"][1], NO_KEY, None), "apiVersion": above["apiVersion"]}
    return item.alone({**given, **{name: one for name, one in fields.items() if name not in given}})


def _shares(items: Sequence[Value], problems: Sequence[Problem]) -> list[tuple[Problem, ...]]:
    """The problems of each item: those between its beginning and the next one's; what stands before is the first's."""
    starts = [item.location for item in items]
    found: list[list[Problem]] = [[] for _ in items]
    for problem in problems:
        at = sum(start <= problem.location for start in starts)
        found[max(at - 1, 0)].append(problem)
    return [tuple(several) for several in found]
