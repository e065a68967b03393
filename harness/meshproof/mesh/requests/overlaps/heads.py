"""How the paths that an entry takes begin: entries for other paths need not be compared."""

from __future__ import annotations

from meshproof.mesh.model.virtual_service import MatchKind
from meshproof.mesh.predict.entries import Rule

# Characters that mean something in a regular expression: it begins as written up to the first of them.
SPECIAL = frozenset("\\.+*?()|[]{}^$")


def beginning_of(rule: Rule) -> str:
    """What the path of all requests of an entry begins with, in lower case."""
    uri = rule.match.uri if rule.match else None
    if uri is None:
        return ""
    return (_literal(uri.value) if uri.kind is MatchKind.REGEX else uri.value).lower()


def _literal(pattern: str) -> str:
    """What every match of a regular expression begins with, as far as it is plainly written."""
    if "|" in pattern or pattern.startswith("(?"):
        return ""
    at = next((number for number, character in enumerate(pattern) if character in SPECIAL), len(pattern))
    # The last character may be optional, or repeated.
    return pattern[: max(0, at - 1)] if at < len(pattern) and pattern[at] in "*?{" else pattern[:at]
