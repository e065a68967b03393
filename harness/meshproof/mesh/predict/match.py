"""Whether a request meets the conditions of a route.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest. A
prefix is a prefix of characters: `/status` also covers `/statusfoo`; that of an HTTPRoute is one of whole segments
(https://gateway-api.sigs.k8s.io/reference/spec/#pathmatchtype). The query string is no part of the path. Rules see a
request after its proxy has changed it by itself (proxy/seen.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache

from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch, TcpMatch
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.seen import Seen, Values, seen
from meshproof.records import dataclass


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


@dataclass(frozen=True, slots=True)
class Miss:
    """A condition that is not met: what it is `on` (`headers x-beta`), what is `wanted` there, and what was `found`.

    `there` False: nothing was; `asked` False: it must not be as wanted. `known` False: nobody can tell what will be
    there. `location` is that of the condition.
    """

    on: str
    wanted: str
    found: str
    location: Location | None
    there: bool = True
    asked: bool = True
    known: bool = True


# What a condition is on (its field, and the name within it), the condition, the values there, and whether they meet it.
Held = tuple[str, str, StringMatch, Values, bool | None]
WITHOUT = "withoutHeaders"


def string_matches(match: StringMatch, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a value meets one condition; case is never ignored in a regex."""
    if match.kind is MatchKind.PRESENT:
        return True
    if match.kind is MatchKind.REGEX:
        from meshproof.mesh.model.regex import matches_whole

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


def applies(match: RouteMatch | TcpMatch | None, client: Client) -> bool:
    """Whether a condition concerns this client at all; what does not is in no route table or listener of its."""
    return match is None or all(met for *_, met in _of_client(match, client))


def kept_from(match: RouteMatch | TcpMatch | None, client: Client) -> Miss | None:
    """The first condition on the client itself that it does not meet; None where the entry is for it."""
    for on, wanted, there, met in _of_client(match, client) if match else ():
        if not met:
            return Miss(on, wanted, there, match.location if match else None, bool(there))
    return None


def _of_client(match: RouteMatch | TcpMatch, client: Client) -> Iterator[tuple[str, str, str, bool]]:
    """The conditions on who asks, in the order in which they are looked at: on what, wanted, found, and whether met."""
    if match.port is not None:
        yield "port", str(match.port), str(client.port), match.port == client.port
    if match.gateways:
        yield "gateways", " or ".join(match.gateways), client.gateway, client.gateway in match.gateways
        if isinstance(match, RouteMatch):
            # Of requests istiod looks at the source only where the match names no gateways; of connections always.
            return
    if match.source_namespace:
        place = match.source_namespace
        yield "sourceNamespace", place, client.namespace, place == client.namespace
    for name, value in match.source_labels.items():
        own = client.labels.get(name)
        yield f"sourceLabels {name}", value, own or "", own == value


def matches(match: RouteMatch | None, request: Request) -> bool:
    """Whether a request surely meets every condition of an entry (None: there are none)."""
    return meets(match, seen(request, request.path)) is True


def meets(match: RouteMatch | None, found: Seen) -> bool | None:
    """The same of a request as a proxy sees it; None where it depends on a value that nobody knows."""
    if match is None:
        return True
    known = True
    for held in _held(match, found):
        if held[-1] is False:
            return False
        known = known and held[-1] is not None
    return True if known else None


def missed(match: RouteMatch | None, found: Seen) -> Miss | None:
    """The first condition of an entry that a request, as a proxy sees it, does not meet.

    Where all others are met, the first of which nobody knows whether it is; None where all surely are.
    """
    several = list(_held(match, found)) if match else []
    first = next((one for one in several if one[-1] is False), None)
    first = first or next((one for one in several if one[-1] is None), None)
    if first is None:
        return None
    on, name, condition, values, met = first
    there = " and ".join(str(value) for value in values)
    label = f"{on} {name}" if name else on
    return Miss(label, _worded(condition), there, condition.location, bool(values), on != WITHOUT, met is not None)


def _worded(condition: StringMatch) -> str:
    return str(condition.kind) if condition.kind is MatchKind.PRESENT else f"{condition.kind} {condition.value}"


def _held(match: RouteMatch, found: Seen) -> Iterator[Held]:
    """Every condition of an entry in the order in which they are looked at, and whether the request meets it."""
    request = found.request
    if match.uri:
        path = path_only(request.path)
        yield "uri", "", match.uri, (path,), string_matches(match.uri, path, ignore_case=match.ignore_uri_case)
    for on, condition, value in (
        ("method", match.method, request.method),
        ("scheme", match.scheme, request.scheme),
        ("authority", match.authority, request.authority),
    ):
        if condition:
            yield on, "", condition, (value,), string_matches(condition, value)
    queried = query_values(request.path) if match.query_params else {}
    for name, condition in match.query_params:
        first = queried.get(name)
        met = first is not None and string_matches(condition, first)
        yield "queryParams", name, condition, () if first is None else (first,), met
    for name, condition in match.headers:
        values = found.headers.get(name, ())
        yield "headers", name, condition, values, _any([_value_meets(condition, value) for value in values])
    for name, condition in match.without_headers:
        # istiod has Envoy take a missing header as an empty one here.
        missing: Values = () if condition.kind is MatchKind.PRESENT else ("",)
        values = found.headers.get(name, missing)
        one = _any([_value_meets(condition, value) for value in values])
        yield WITHOUT, name, condition, values, None if one is None else not one


def _value_meets(condition: StringMatch, value: str | Drawn) -> bool | None:
    if condition.kind is MatchKind.PRESENT:
        return True
    return string_matches(condition, value) if isinstance(value, str) else value.meets(condition, string_matches)


def _any(several: Sequence[bool | None]) -> bool | None:
    return True if True in several else None if None in several else False
