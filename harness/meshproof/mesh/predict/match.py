"""Whether a request meets the conditions of a route.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest. A
prefix is a prefix of characters: `/status` also covers `/statusfoo`; that of an HTTPRoute is one of whole segments
(https://gateway-api.sigs.k8s.io/reference/spec/#pathmatchtype). The query string is no part of the path. Rules see a
request after its proxy has changed it by itself (proxy/seen.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from meshproof.border.request import Request
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.regex import matches_whole
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.seen import Seen, Values, seen


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a workload's namespace and labels, or a gateway's; `gateway` is `mesh` or `namespace/name`.

    `key` is the same for all who are told apart by nothing.
    """

    gateway: str
    port: int
    namespace: str
    labels: Labels
    key: tuple[str | int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        labels = ",".join(f"{name}={value}" for name, value in sorted(self.labels.items())) if self.labels else ""
        object.__setattr__(self, "key", _key(self.gateway, self.port, self.namespace, labels))


@lru_cache(maxsize=256)
def _key(*parts: str | int) -> tuple[str | int, ...]:
    """The parts; the same object each time, since much is kept by it."""
    return parts


def string_matches(match: StringMatch, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a value meets one condition; case is never ignored in a regex."""
    if match.kind is MatchKind.PRESENT:
        return True
    if match.kind is MatchKind.REGEX:
        return matches_whole(match.value, value)
    wanted, found = (match.value.lower(), value.lower()) if ignore_case else (match.value, value)
    if match.kind is MatchKind.PATH_PREFIX:
        return found == wanted or found.startswith(f"{wanted}/")
    return found == wanted if match.kind is MatchKind.EXACT else found.startswith(wanted)


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
    """Whether a request surely meets every condition of an entry (None: there are none)."""
    return meets(match, seen(request, request.path)) is True


def meets(match: RouteMatch | None, found: Seen) -> bool | None:
    """The same of a request as a proxy sees it; None where it depends on a value that nobody knows."""
    if match is None:
        return True
    request = found.request
    if match.uri and not string_matches(match.uri, path_only(request.path), ignore_case=match.ignore_uri_case):
        return False
    for condition, value in (
        (match.method, request.method),
        (match.scheme, request.scheme),
        (match.authority, request.authority),
    ):
        if condition and not string_matches(condition, value):
            return False
    if not _query(match, request):
        return False
    return _all([*_with(match, found), *_without(match, found)])


def _with(match: RouteMatch, found: Seen) -> Iterator[bool | None]:
    for name, condition in match.headers:
        values = found.headers.get(name, ())
        yield _any([_value_meets(condition, value) for value in values])


def _without(match: RouteMatch, found: Seen) -> Iterator[bool | None]:
    for name, condition in match.without_headers:
        # istiod has Envoy take a missing header as an empty one here.
        missing: Values = () if condition.kind is MatchKind.PRESENT else ("",)
        met = _any([_value_meets(condition, value) for value in found.headers.get(name, missing)])
        yield None if met is None else not met


def _value_meets(condition: StringMatch, value: str | Drawn) -> bool | None:
    if condition.kind is MatchKind.PRESENT:
        return True
    return string_matches(condition, value) if isinstance(value, str) else value.meets(condition, string_matches)


def _any(several: Sequence[bool | None]) -> bool | None:
    return True if True in several else None if None in several else False


def _all(several: Sequence[bool | None]) -> bool | None:
    return False if False in several else None if None in several else True


def _query(match: RouteMatch, request: Request) -> bool:
    if not match.query_params:
        return True
    values = query_values(request.path)
    return all(name in values and string_matches(condition, values[name]) for name, condition in match.query_params)
