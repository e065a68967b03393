"""Header changes of a route or of one destination."""

from __future__ import annotations

import re

from meshproof.manifest.value import Value
from meshproof.mesh.model.header_format import FIELD_NAME, NotAFormatError, Operator, is_taken, operators
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, Headers

NAME = re.compile(rf":?{FIELD_NAME.pattern}")
AUTHORITY = frozenset({"host", ":authority"})
UNCHANGED = HeaderChanges()
VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
# Bytes of a name or a value: envoy/config/core/v3/base.proto, HeaderValue.
LONGEST = 16384


def header_changes(value: Value | None) -> HeaderChanges:
    """The field `headers`; names come out in lower case."""
    if value is None:
        return UNCHANGED
    return HeaderChanges(_change(value.get("request"), AUTHORITY), _change(value.get("response"), frozenset()))


def check_authority(rewritten: str, value: Value | None) -> None:
    """Raise ManifestError where a route changes the Host more than once; `rewritten` is its rewrite's."""
    change = _change(value.get("request"), AUTHORITY) if value else HeaderChange()
    named = [name for name, _ in change.set + change.add if name in AUTHORITY]
    if value and len(named) + bool(rewritten) > 1:
        raise value.problem("the Host is changed more than once", "istiod refuses it: change it in one place")


def _change(value: Value | None, internal: frozenset[str]) -> HeaderChange:
    """`internal` are the names of Envoy's own that may be set."""
    if value is None:
        return UNCHANGED.request
    removed = tuple(_name(item, item.text(), frozenset()) for item in value.list("remove"))
    return HeaderChange(_headers(value, "set", internal), _headers(value, "add", internal), removed)


def _headers(value: Value, name: str, internal: frozenset[str]) -> Headers:
    found = value.get(name)
    several: list[tuple[str, str]] = []
    for key, header in (found.fields() if found else {}).items():
        if not VALUE.fullmatch(header.text()):
            raise header.problem(f"the value of {key} has a control character in it")
        if max(len(key.encode()), len(header.text().encode())) > LONGEST:
            raise header.problem(f"Envoy takes headers of {LONGEST} bytes at most", by_envoy=True)
        try:
            parts = operators(header.text())
        except NotAFormatError as error:
            raise header.problem(f"the value of {key} {error}", "write %% for a percent sign") from None
        if key.lower() not in AUTHORITY and not is_taken(header.text()):
            why = f"the value of {key}, {header.shown}, has an operator that Envoy does not know"
            raise header.problem(why, by_envoy=True)
        if any(isinstance(part, Operator) and part.length is not None for part in parts):
            hint = "istiod refuses it, as Envoy does not: leave the length out"
            raise header.problem(f"the value of {key} has an operator with a length", hint)
        several.append((_name(header, key, internal), header.text()))
    if found and len([one for one, _ in several if one in AUTHORITY]) > 1:
        raise found.problem(f"{name} has the Host more than once", "which one counts is left to chance: keep one")
    return tuple(several)


def _name(value: Value, name: str, internal: frozenset[str]) -> str:
    lower = name.lower()
    if not NAME.fullmatch(name):
        raise value.problem(f"{name!r} is not a header name")
    if (lower.startswith(":") or lower == "host") and lower not in internal:
        raise value.problem(f"the header {name} cannot be changed here", "istiod refuses it: leave it out")
    return lower
