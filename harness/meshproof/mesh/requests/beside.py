"""Requests that tell a rule from others of its VirtualService, and from those that stand there in another mesh.

Boundaries of one condition do not tell two regular expressions apart: what one accepts and the other does not is
looked for in both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.regex import replace_all
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, StringMatch, VirtualService
from meshproof.mesh.predict.proxy.refused import METHODS as KNOWN_METHODS
from meshproof.mesh.requests.boundaries import (
    ASKED,
    AUTHORITY,
    FURTHER_METHODS,
    METHODS,
    with_headers,
    with_query,
)
from meshproof.mesh.requests.completing import completed
from meshproof.mesh.requests.differing import Condition, TooManyError, only
from meshproof.mesh.requests.example import READABLE, UNREADABLE, accepted, varied

# What a condition is on: the field, and the name within it.
Field = tuple[str, str]
Held = tuple[Field, Condition]
Conditions = dict[Field, dict[object, Condition]]
URI, METHOD, ORIGIN, AUTHORITIES, HEADERS, WITHOUT, QUERY = (
    "uri",
    "method",
    "origin",
    "authority",
    "headers",
    "withoutHeaders",
    "query",
)
VISIBLE = bytes(range(0x21, 0x7F))
BYTES = {
    URI: bytes(one for one in VISIBLE if one not in b"?#"),
    QUERY: bytes(one for one in VISIBLE if one not in b"&#"),
    ORIGIN: VISIBLE,
    AUTHORITIES: b"abcdefghijklmnopqrstuvwxyz0123456789.-:ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}
MOST_BESIDE = 32
NEAREST = 2
MOST_REWRITTEN = 2


class Beside:
    """The rules of another mesh (None: there is none); `unknown` counts, by rule, what is not told apart from them."""

    def __init__(self, mesh: Mesh, other: Mesh | None) -> None:
        self._other = other
        self._last: tuple[VirtualService, tuple[list[VirtualService], Conditions, Conditions]] | None = None
        normalizations = {one.config.path_normalization for one in (mesh, other) if one}
        self._forms = ("/{path}", "/{path}/x", "{path}/x%2Fx") if len(normalizations) > 1 else ()
        self.unknown: Counter[Location] = Counter()

    def requests(
        self, virtual_service: VirtualService, route: HttpRoute, match: RouteMatch | None, base: Request
    ) -> Iterator[Request]:
        """Requests made of `base`, which meets one entry of a route."""
        there, own, others = self._of(virtual_service)
        for field, condition in (*_of_match(match), *_of_origins(route)):
            theirs = others.get(field, {})
            changed = {} if condition.key in theirs else {key: theirs[key] for key in theirs if key not in own[field]}
            beside = [one for one in changed.values() if _needed(one, condition)]
            for other in (*beside[:MOST_BESIDE], *_neighbours(own[field], condition)):
                texts, known = _between(field, condition, other)
                if not known and other.key in changed:
                    self.unknown[route.location] += 1
                yield from filter(None, (_with(base, field, text) for text in texts))
            self.unknown[route.location] += len(beside[MOST_BESIDE:])
        yield from _rewritten(route, match, base, there)
        path, mark, query = base.path.partition("?")
        forms = (form.format(path=path.rstrip("/")) for form in self._forms)
        yield from (replace(base, path=form + mark + query) for form in forms)

    def _of(self, virtual_service: VirtualService) -> tuple[list[VirtualService], Conditions, Conditions]:
        """What stands in its place in the other mesh, and the conditions of either; kept for its next rule."""
        if self._last is None or self._last[0] is not virtual_service:
            there = self._counterparts(virtual_service)
            self._last = virtual_service, (there, _conditions([virtual_service]), _conditions(there))
        return self._last[1]

    def _counterparts(self, virtual_service: VirtualService) -> list[VirtualService]:
        """Those that stand in its place in the other mesh: of its name, else for one of its hosts."""
        if self._other is None:
            return []
        known = self._other.once(("requests", "beside"), lambda: _by_name(self._other))
        named = known.get((virtual_service.namespace, virtual_service.name))
        if named:
            return [named]
        hosts = set(virtual_service.hosts)
        return [one for one in self._other.virtual_services if not hosts.isdisjoint(one.hosts)]


def apart(base: Request, own: RouteMatch | None, other: RouteMatch) -> Iterator[Request]:
    """`base`, changed in one thing so that it meets `own` as before and `other` no more."""
    mine = dict(_of_match(own))
    for field, condition in _of_match(other):
        whole = mine.get(field) or Condition(StringMatch(MatchKind.PRESENT, "", condition.match.location))
        text = _only(field, whole, condition)
        request = None if text is None else _with(base, field, text)
        if request is not None:
            yield request


def _by_name(mesh: Mesh | None) -> Mapping[tuple[str, str], VirtualService]:
    return {(one.namespace, one.name): one for one in mesh.virtual_services} if mesh else {}


def _neighbours(several: Mapping[object, Condition], condition: Condition) -> list[Condition]:
    """The conditions of the same VirtualService that stand nearest to one."""
    found = list(several.values())
    at = next(number for number, one in enumerate(found) if one.key == condition.key)
    return [one for one in found[max(0, at - NEAREST) : at + NEAREST + 1] if _needed(one, condition)]


def _needed(one: Condition, other: Condition) -> bool:
    kinds = {one.match.kind, other.match.kind}
    return one.key != other.key and MatchKind.REGEX in kinds


def _conditions(several: Iterable[VirtualService]) -> Conditions:
    """All conditions on each field."""
    found: Conditions = {}
    for virtual_service in several:
        for route in virtual_service.http:
            held = [one for match in route.matches for one in _of_match(match)]
            for field, condition in (*held, *_of_origins(route)):
                found.setdefault(field, {})[condition.key] = condition
    return found


def _of_match(match: RouteMatch | None) -> Iterator[Held]:
    if match is None:
        return
    if match.uri:
        yield (URI, ""), Condition(match.uri, match.ignore_uri_case)
    if match.method:
        yield (METHOD, ""), Condition(match.method)
    if match.authority:
        yield (AUTHORITIES, ""), Condition(match.authority)
    for field, pairs in (
        (HEADERS, match.headers),
        (WITHOUT, match.without_headers),
        (QUERY, match.query_params),
    ):
        for name, condition in pairs:
            yield (field, name), Condition(condition)


def _of_origins(route: HttpRoute) -> Iterator[Held]:
    for one in route.cors.allow_origins if route.cors else ():
        yield (ORIGIN, ""), Condition(one)


def _between(field: Field, one: Condition, other: Condition) -> tuple[list[str], bool]:
    """Texts that one of two conditions accepts alone, and whether it is known that there are no others."""
    texts, known = [], True
    for first, second in ((one, other), (other, one)):
        try:
            text = _text(field, first, second)
        except TooManyError:
            known = False
        else:
            texts += [] if text is None else [text]
    return texts, known or bool(texts)


def _only(field: Field, own: Condition, other: Condition) -> str | None:
    try:
        return _text(field, own, other)
    except TooManyError:
        return None


def _text(field: Field, own: Condition, other: Condition) -> str | None:
    if field[0] == METHOD:
        # Envoy answers 400 to others.
        several = (*METHODS, *FURTHER_METHODS, *sorted(KNOWN_METHODS - {"CONNECT"}))
        return next((one for one in several if own.accepts(one) and not other.accepts(one)), None)
    return only(own, other, of=BYTES.get(field[0], READABLE + UNREADABLE), start="/" if field[0] == URI else "")


def _with(base: Request, field: Field, text: str) -> Request | None:
    """The request with another text there; None where a request cannot hold it."""
    on, name = field
    path, mark, query = base.path.partition("?")
    if on == URI:
        return replace(base, path=text + mark + query)
    if on == METHOD:
        return replace(base, method=text, headers=completed(text, base.headers))
    if on == AUTHORITIES:
        return with_headers(base, [("host", text)]) if re.fullmatch(AUTHORITY, text) else None
    if on == ORIGIN:
        return with_headers(replace(base, method="OPTIONS"), [("origin", text), (ASKED, base.method)])
    if on == QUERY:
        pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
        kept = [(key, text if key == name else value) for key, value in pairs]
        return with_query(base, path, kept if name in dict(pairs) else [*kept, (name, text)])
    return None if name.startswith(":") or name == "host" else with_headers(base, [(name, text)])


def _rewritten(
    route: HttpRoute, match: RouteMatch | None, base: Request, there: Iterable[VirtualService]
) -> Iterator[Request]:
    """Requests with paths that the route's regular expression rewrites, and one of the other mesh otherwise."""
    own = route.rewrite.uri_regex if route.rewrite else None
    if own is None:
        return
    others = dict.fromkeys(one.rewrite.uri_regex for each in there for one in each.http if one.rewrite)
    _, mark, query = base.path.partition("?")
    paths = [one for one in _paths(own[0], match) if replace_all(*own, one) != one]
    telling = [paths[:MOST_REWRITTEN]]
    for other in others:
        if other is not None and own not in others:
            several = (*paths, *_paths(other[0], match))
            telling.append([one for one in several if replace_all(*own, one) != replace_all(*other, one)])
    for one in telling:
        yield from (replace(base, path=path + mark + query) for path in one[:MOST_REWRITTEN])


def _paths(pattern: str, match: RouteMatch | None) -> list[str]:
    """Paths that meet an entry and hold what a pattern is for, those of the most letters first."""
    uri = match.uri if match else None
    fitting = varied(pattern)
    if uri is not None:
        head = accepted(uri) or ""
        fitting = (*fitting, *(f"{head}{one}" for one in fitting))
        fitting = (*fitting, *(varied(uri.value) if uri.kind is MatchKind.REGEX else ()))
    kept = dict.fromkeys(one for one in fitting if one.startswith("/") and set(one.encode()) <= set(BYTES[URI]))
    several = [one for one in kept if uri is None or Condition(uri, bool(match and match.ignore_uri_case)).accepts(one)]
    return sorted(several, key=lambda one: -len(set(one)))
