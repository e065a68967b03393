"""Header changes of a route or of one destination."""

from __future__ import annotations

import re

from meshproof.manifest.value import Value
from meshproof.mesh.model import HeaderChange, HeaderChanges, Headers

NAME = re.compile(r":?[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def header_changes(value: Value | None) -> HeaderChanges:
    """The field `headers`; names come out in lower case."""
    if value is None:
        return HeaderChanges()
    return HeaderChanges(_change(value.get("request")), _change(value.get("response")))


def _change(value: Value | None) -> HeaderChange:
    if value is None:
        return HeaderChange()
    removed = tuple(_name(item, item.text()) for item in value.list("remove"))
    return HeaderChange(_headers(value, "set"), _headers(value, "add"), removed)


def _headers(value: Value, name: str) -> Headers:
    found = value.get(name)
    several: list[tuple[str, str]] = []
    for key, header in (found.fields() if found else {}).items():
        if not VALUE.fullmatch(header.text()):
            raise header.problem(f"the value of {key} has a control character in it")
        if "%" in header.text().replace("%%", ""):
            raise header.problem(
                f"the value of {key} has Envoy's command operator % in it, which is not modelled",
                "write %% for a percent sign",
            )
        several.append((_name(header, key), header.text()))
    return tuple(several)


def _name(value: Value, name: str) -> str:
    if not NAME.fullmatch(name):
        raise value.problem(f"{name!r} is not a header name")
    return name.lower()
