"""Laws that hold for any weights, rules and requests."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.regex import NotRe2Error, compile_re2
from meshproof.mesh.model.virtual_service import (
    Destination,
    DirectResponse,
    HeaderChanges,
    HttpRoute,
    MatchKind,
    RouteDestination,
    RouteMatch,
    StringMatch,
    VirtualService,
)
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.example import accepted
from meshproof.mesh.requests.samples import sample_requests

HOST = "a.default.svc.cluster.local"
WORDS = st.sampled_from(["", "/", "/a", "/ab", "/a/b", "/B", "x", "xy"])


def at(line: int) -> Location:
    return Location("test", line, 1)


def mesh_of(routes: tuple[HttpRoute, ...]) -> Mesh:
    service = Service("a", "default", (ServicePort(80, "http", 80, "http", at(1)),), {"app": "a"}, at(1))
    return Mesh((service,), virtual_services=(VirtualService("a", "default", (HOST,), ("mesh",), routes, at(2)),))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["", "v1", "v2", "v3"])), min_size=1, max_size=8))
def test_shares_sum_to_one(drawn: list[tuple[int, str]]) -> None:
    if len(drawn) > 1 and not sum(weight for weight, _ in drawn):
        drawn = [(weight + 1, subset) for weight, subset in drawn]
    destinations = tuple(
        RouteDestination(Destination(HOST, subset, None, at(3)), weight, HeaderChanges(), at(3))
        for weight, subset in drawn
    )
    arms = predict(mesh_of((HttpRoute("", (), destinations, at(3)),)), Request("GET", "a", 80)).arms
    assert sum(arm.share for arm in arms) == 1
    assert len({arm.destination for arm in arms}) == len(arms)
    total = sum(weight for weight, _ in drawn)
    for arm in arms if len(drawn) > 1 else ():
        subset = arm.destination.partition("/")[2]
        assert arm.share == Fraction(sum(weight for weight, one in drawn if one == subset), total)


CONDITIONS = st.builds(
    lambda kind, value: StringMatch(kind, value, at(4)),
    st.sampled_from([MatchKind.EXACT, MatchKind.PREFIX, MatchKind.PRESENT]),
    WORDS,
)
MATCHES = st.builds(
    lambda uri, ignore, headers, without, query: RouteMatch(
        at(4),
        uri=uri,
        ignore_uri_case=ignore,
        headers=tuple(headers.items()),
        without_headers=tuple(without.items()),
        query_params=tuple(query.items()),
    ),
    st.none() | CONDITIONS,
    st.booleans(),
    *[st.dictionaries(st.sampled_from(["h", "i"]), CONDITIONS, max_size=2) for _ in range(3)],
)


def naive(condition: StringMatch, value: str | None, fold: bool = False) -> bool:
    """The same as a regular expression, told another way."""
    if value is None:
        return False
    body = "" if condition.kind is MatchKind.PRESENT else re.escape(condition.value)
    tail = "" if condition.kind is MatchKind.EXACT else ".*"
    return re.compile(body + tail, re.DOTALL | (re.IGNORECASE if fold else 0)).fullmatch(value) is not None


def expected_status(rules: list[list[RouteMatch]], path: str, query: dict[str, str], headers: dict[str, str]) -> int:
    for number, entries in enumerate(rules):
        for entry in entries or [RouteMatch(at(1))]:
            wrong = [entry.uri is not None and not naive(entry.uri, path, entry.ignore_uri_case)]
            wrong += [not naive(condition, headers.get(name)) for name, condition in entry.headers]
            wrong += [not naive(condition, query.get(name)) for name, condition in entry.query_params]
            for name, condition in entry.without_headers:
                present = condition.kind is MatchKind.PRESENT
                wrong.append(name in headers if present else naive(condition, headers.get(name, "")))
            if not any(wrong):
                return 200 + number
    return 404


@settings(max_examples=120)
@given(
    st.lists(st.lists(MATCHES, max_size=3), min_size=1, max_size=4),
    WORDS.filter(lambda word: word.startswith("/")),
    st.dictionaries(st.sampled_from(["h", "i"]), WORDS, max_size=2),
    st.dictionaries(st.sampled_from(["h", "i"]), WORDS, max_size=2),
)
def test_the_first_rule_that_matches_decides(
    rules: list[list[RouteMatch]], path: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    routes = tuple(
        HttpRoute("", tuple(entries), (), at(10 + n), direct_response=DirectResponse(200 + n))
        for n, entries in enumerate(rules)
    )
    written = "&".join(f"{name}={value}" for name, value in query.items())
    request = Request("GET", "a", 80, f"{path}?{written}" if written else path, tuple(headers.items()))
    assert predict(mesh_of(routes), request).status == expected_status(rules, path, query, headers)


@settings(max_examples=60)
@given(st.lists(st.lists(MATCHES, max_size=3), min_size=1, max_size=4))
def test_sample_requests_reach_their_rules_and_the_rest_are_noted(rules: list[list[RouteMatch]]) -> None:
    routes = tuple(
        HttpRoute("", tuple(entries), (), at(10 + n), direct_response=DirectResponse(200 + n))
        for n, entries in enumerate(rules)
    )
    mesh = mesh_of(routes)
    requests, notices = sample_requests(mesh)
    reached = {predict(mesh, request).route for request in requests}
    assert reached | {notice.location for notice in notices} == {route.location for route in routes}
    assert not reached & {notice.location for notice in notices}


@pytest.mark.parametrize(
    "pattern",
    [
        ".*",
        "/api/v[0-9]+/.*",
        "[^/]+",
        r"\d{3}-\w+",
        "(foo|bar)baz?",
        "^/a$",
        "(?i)/ABC",
        "[[:alpha:]]+",
        r"a\.b\+c",
        "(?P<x>a)+",
        "x{0}y",
    ],
)
def test_examples_match(pattern: str) -> None:
    text = accepted(StringMatch(MatchKind.REGEX, pattern, at(1)))
    assert text is not None
    assert compile_re2(pattern).fullmatch(text)


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "a++", "(?>a)", "(", "*", ""])
def test_what_re2_does_not_read(pattern: str) -> None:
    with pytest.raises(NotRe2Error):
        compile_re2(pattern)


@given(
    st.from_regex(r"(\*\.|\*)?[ab](\.[ab]){0,2}|\*", fullmatch=True),
    st.from_regex(r"[ab](\.[ab]){0,3}", fullmatch=True),
)
def test_a_host_pattern_covers_what_a_glob_would(pattern: str, name: str) -> None:
    glob = re.escape(pattern).replace(r"\*", ".+" if len(pattern) > 1 else ".*")
    assert covers(pattern, name) == bool(re.fullmatch(glob, name))
