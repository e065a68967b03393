"""Headers that a route or a destination sets, adds and removes.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, Headers
from meshproof.records import dataclass

AUTHORITY = (":authority", "host")


@dataclass(frozen=True, slots=True)
class HeaderOperations:
    """`mutations` are the fields that Envoy's Route and ClusterWeight share; `authority` is the new Host (or empty)."""

    mutations: Fields
    authority: str


def is_internal(name: str) -> bool:
    """Envoy changes neither pseudo-headers nor Host this way; istiod leaves them out."""
    return name.startswith(":") or name.lower() == "host"


def options(headers: Headers, action: str) -> list[Fields]:
    """Envoy's HeaderValueOptions."""
    return [
        {"header": {"key": name, "value": value}, "append_action": action}
        for name, value in sorted(headers, key=lambda header: header[0])
        if not is_internal(name)
    ]


def to_add(change: HeaderChange) -> list[Fields]:
    return options(change.set, "OVERWRITE_IF_EXISTS_OR_ADD") + options(change.add, "APPEND_IF_EXISTS_OR_ADD")


def to_remove(change: HeaderChange) -> list[str]:
    return [name for name in change.remove if not is_internal(name)]


def authority(change: HeaderChange) -> str:
    named = [value for name, value in (*change.add, *change.set) if name.lower() in AUTHORITY]
    return named[-1] if named else ""


UNCHANGED = HeaderOperations({}, "")


def is_change(change: HeaderChange) -> bool:
    return bool(change.set or change.add or change.remove)


def header_operations(changes: HeaderChanges) -> HeaderOperations:
    if not (is_change(changes.request) or is_change(changes.response)):
        return UNCHANGED
    mutations = {
        "request_headers_to_add": to_add(changes.request),
        "request_headers_to_remove": to_remove(changes.request),
        "response_headers_to_add": to_add(changes.response),
        "response_headers_to_remove": to_remove(changes.response),
    }
    return HeaderOperations({name: value for name, value in mutations.items() if value}, authority(changes.request))


def merged(first: Fields, second: Fields) -> Fields:
    """Both mutations, the second after the first."""
    return {name: first.get(name, []) + second.get(name, []) for name in {**first, **second}}
