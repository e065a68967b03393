"""Fields that the model of the mesh does not have, read from the resources themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from meshproof.errors import ManifestError
from meshproof.lint.check import Found
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value


def each(resources: Iterable[Resource], read: Callable[[Resource], Iterator[Found]]) -> Iterator[Found]:
    """What is found in each resource; one whose fields are of other types than they should be is told of elsewhere."""
    for resource in resources:
        found = read(resource)
        try:
            yield from list(found)
        except ManifestError:
            continue


def field(holder: Value | None, *names: str) -> Value | None:
    """The field at the end of a path; None where anything on the way is missing or null."""
    found = holder
    for name in names:
        found = found.get(name) if found else None
    return found


def text(holder: Value | None, *names: str) -> str:
    """The same as text; empty where it is missing."""
    found = field(holder, *names)
    return found.text() if found is not None and found.data is not None else ""


def texts(holder: Value | None, *names: str) -> dict[str, str]:
    """A mapping of text to text; empty where it is missing."""
    found = field(holder, *names)
    return dict(found.texts()) if found is not None and found.data is not None else {}
