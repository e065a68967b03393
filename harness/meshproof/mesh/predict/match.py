"""Whether a request meets the conditions of a route.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest. A
prefix is a prefix of characters: `/status` also covers `/statusfoo`. The query string is no part of
the path. Of a header that stands several times each value counts by itself, as Envoy reads it since 1.39
(before, the values joined by a comma counted as one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meshproof.border.request import Request
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.regex import matches_whole
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a workload's namespace and labels, or a gateway's; `gateway` is `mesh` or `namespace/name`."""

    gateway: str
    port: int
    namespace: str
    labels: Labels


def string_matches(match: StringMatch, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a value meets one condition; case is never ignored in a regex."""
    if match.kind is MatchKind.PRESENT:
        return True
    if match.kind is MatchKind.REGEX:
        return matches_whole(match.value, value)
    wanted, found = (match.value.lower(), value.lower()) if ignore_case else (match.value, value)
    return found == wanted if match.kind is MatchKind.EXACT else found.startswith(wanted)


def header_values(request: Request) -> Mapping[str, tuple[str, ...]]:
    """The values of the request's headers by name in lower case."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in request.headers:
        key = name.lower()
        values[key] = (*values.get(key, ()), value.strip())
    return values


def query_values(path: str) -> Mapping[str, str]:
    """The first value of each query parameter, as written: Envoy does not decode them."""
    values: dict[str, str] = {}
    for part in path.partition("?")[2].partition("#")[0].split("&"):
        name, _, value = part.partition("=")
        values.setdefault(name, value)
    return values


def path_only(path: str) -> str:
    """The path without query and fragment."""
    return path.partition("#")[0].partition("?")[0]


def applies(match: RouteMatch | None, client: Client) -> bool:
    """Whether a condition concerns this client at all; what does not is not in its route table."""
    if match is None:
        return True
    if match.port is not None and match.port != client.port:
        return False
    # istiod looks at the source only where the match names no gateways.
    if match.gateways:
        return client.gateway in match.gateways
    if match.source_namespace and match.source_namespace != client.namespace:
        return False
    return all(client.labels.get(name) == value for name, value in match.source_labels.items())


def matches(match: RouteMatch | None, request: Request) -> bool:
    """Whether a request meets every condition of an entry (None: there are none)."""
    if match is None:
        return True
    if match.uri and not string_matches(match.uri, path_only(request.path), ignore_case=match.ignore_uri_case):
        return False
    for condition, value in (
        (match.method, request.method),
        (match.scheme, request.scheme),
        (match.authority, request.authority),
    ):
        if condition and not string_matches(condition, value):
            return False
    return _headers(match, request) and _query(match, request)


def _headers(match: RouteMatch, request: Request) -> bool:
    if not match.headers and not match.without_headers:
        return True
    values = header_values(request)
    for name, condition in match.headers:
        if not any(string_matches(condition, value) for value in values.get(name, ())):
            return False
    for name, condition in match.without_headers:
        if condition.kind is MatchKind.PRESENT:
            if name in values:
                return False
        # istiod has Envoy take a missing header as an empty one here.
        elif any(string_matches(condition, value) for value in values.get(name, ("",))):
            return False
    return True


def _query(match: RouteMatch, request: Request) -> bool:
    if not match.query_params:
        return True
    values = query_values(request.path)
    return all(name in values and string_matches(condition, values[name]) for name, condition in match.query_params)
