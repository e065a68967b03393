"""How the paths that an entry takes begin: entries for other paths need not be compared."""

from __future__ import annotations

from meshproof.mesh.model.virtual_service import MatchKind
from meshproof.mesh.predict.covering import literal_head
from meshproof.mesh.predict.entries import Rule


def beginning_of(rule: Rule) -> str:
    """What the path of all requests of an entry begins with, in lower case."""
    uri = rule.match.uri if rule.match else None
    if uri is None:
        return ""
    return (literal_head(uri.value) if uri.kind is MatchKind.REGEX else uri.value).lower()
