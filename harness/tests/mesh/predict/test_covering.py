"""Where one entry is said to cover another, no request meets the narrow one and misses the wide one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch, TcpMatch
from meshproof.mesh.predict.covering import covers, covers_connections, string_implied
from meshproof.mesh.predict.match import Client, applies, matches

HERE = Location("a.yaml", 1, 1)
PATHS = ("/", "/a", "/A", "/ab", "/a/b", "/b")
VALUES = ("", "x", "xy", "Y")


def conditions(texts: tuple[str, ...], *, present: bool) -> st.SearchStrategy[StringMatch]:
    patterns = st.sampled_from((".*", "/a.*", "/[ab]", "x|y", "x.*"))
    plain = st.builds(
        StringMatch, st.sampled_from((MatchKind.EXACT, MatchKind.PREFIX)), st.sampled_from(texts), st.just(HERE)
    )
    regex = st.builds(StringMatch, st.just(MatchKind.REGEX), patterns, st.just(HERE))
    segments = st.builds(
        StringMatch, st.just(MatchKind.PATH_PREFIX), st.sampled_from(("/a", "/a/b", "")), st.just(HERE)
    )
    there = st.builds(StringMatch, st.just(MatchKind.PRESENT), st.just(""), st.just(HERE))
    return plain | regex | (there if present else segments)


NAMED = st.dictionaries(st.sampled_from(("h", "g")), conditions(VALUES, present=True), max_size=2).map(
    lambda found: tuple(sorted(found.items(), key=lambda pair: pair[0]))
)
ENTRIES = st.builds(
    RouteMatch,
    location=st.just(HERE),
    uri=st.none() | conditions(PATHS, present=False),
    ignore_uri_case=st.booleans(),
    method=st.none() | conditions(("GET", "PUT", "P"), present=True),
    headers=NAMED,
    without_headers=NAMED,
    query_params=NAMED,
    port=st.sampled_from((None, 80, 81)),
    source_labels=st.sampled_from(({}, {"app": "web"})),
    source_namespace=st.sampled_from(("", "default")),
)
REQUESTS = st.builds(
    lambda method, path, query, headers: Request(method, "reviews", 80, f"{path}?{query}" if query else path, headers),
    st.sampled_from(("GET", "PUT")),
    st.sampled_from(PATHS),
    st.sampled_from(("", "h=x", "h=&g=xy", "g=Y")),
    st.dictionaries(st.sampled_from(("h", "g")), st.sampled_from(VALUES), max_size=2).map(
        lambda one: tuple(one.items())
    ),
)
CLIENTS = st.builds(
    Client,
    st.just("mesh"),
    st.sampled_from((80, 81)),
    st.sampled_from(("default", "other")),
    st.sampled_from(({}, {"app": "web"})),
)


FIELDS = st.sets(st.sampled_from([one.name for one in fields(RouteMatch) if one.name not in ("location", "gateways")]))


@settings(max_examples=100)
@given(ENTRIES, ENTRIES, FIELDS, st.lists(REQUESTS, min_size=8, max_size=8), CLIENTS)
def test_what_is_covered_is_taken(
    wide: RouteMatch, other: RouteMatch, taken: set[str], requests: list[Request], client: Client
) -> None:
    # Two that have much in common: of two at random hardly one covers the other.
    narrow = replace(wide, **{name: getattr(other, name) for name in taken})
    if covers(wide, narrow) and applies(narrow, client):
        assert applies(wide, client)
        for request in requests:
            assert matches(wide, request) or not matches(narrow, request)


EXACT, PREFIX, SEGMENTS, REGEX, PRESENT = (
    *(MatchKind.EXACT, MatchKind.PREFIX, MatchKind.PATH_PREFIX),
    *(MatchKind.REGEX, MatchKind.PRESENT),
)


@pytest.mark.parametrize(
    ("wide", "narrow", "ignoring", "implied"),
    [
        ((EXACT, "/a"), (EXACT, "/a"), False, True),
        ((EXACT, "/a"), (EXACT, "/A"), False, False),
        ((EXACT, "/a"), (EXACT, "/A"), True, True),
        ((EXACT, "/a"), (PREFIX, "/a"), False, False),
        ((PREFIX, "/a"), (PREFIX, "/ab"), False, True),
        ((PREFIX, "/ab"), (PREFIX, "/a"), False, False),
        ((PREFIX, "/a"), (PREFIX, "/b"), False, False),
        ((PREFIX, "/a"), (SEGMENTS, "/a"), False, True),
        ((PREFIX, "/a"), (REGEX, "/a"), False, True),
        ((PREFIX, "/a/"), (REGEX, "^/a/[0-9]+"), False, True),
        ((PREFIX, "/a/"), (REGEX, "^/A/[0-9]+"), False, False),
        ((PREFIX, "/a/"), (REGEX, "^/A/[0-9]+"), True, True),
        ((PREFIX, "/ab"), (REGEX, "/ab?"), False, False),
        ((PREFIX, "/a"), (REGEX, "/a|/b"), False, False),
        ((PREFIX, "/a"), (REGEX, "(?i)/a.*"), False, False),
        ((SEGMENTS, "/a"), (REGEX, "/a/.*"), False, True),
        ((SEGMENTS, "/a"), (REGEX, "/a.*"), False, False),
        ((SEGMENTS, "/a"), (SEGMENTS, "/a/b"), False, True),
        ((SEGMENTS, "/a"), (SEGMENTS, "/ab"), False, False),
        ((SEGMENTS, "/a"), (PREFIX, "/a"), False, False),
        ((SEGMENTS, "/a"), (EXACT, "/a/b"), False, True),
        ((REGEX, "/a.*"), (EXACT, "/ab"), False, True),
        ((REGEX, "/a.*"), (REGEX, "/a.*"), False, True),
        ((REGEX, "/a.*"), (REGEX, "/ab.*"), False, False),
        ((REGEX, "/a.*"), (PREFIX, "/a"), False, False),
        ((REGEX, ".*"), (PREFIX, "/a"), False, True),
        ((PRESENT, ""), (REGEX, "a"), False, True),
        ((EXACT, "a"), (PRESENT, ""), False, False),
    ],
)
def test_which_texts_are_implied(
    wide: tuple[MatchKind, str], narrow: tuple[MatchKind, str], ignoring: bool, implied: bool
) -> None:
    one, other = StringMatch(*wide, HERE), StringMatch(*narrow, HERE)
    assert string_implied(one, other, ignore_case=ignoring) is implied


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ({}, {"gateways": ("a/g",), "port": 80, "source_labels": {"a": "b"}}, True),
        ({"gateways": ("a/g", "mesh")}, {"gateways": ("a/g",)}, True),
        ({"gateways": ("a/g",)}, {"gateways": ("a/g", "mesh")}, False),
        ({"gateways": ("a/g",)}, {}, False),
        ({"port": 80}, {}, False),
        ({"source_namespace": "x"}, {"source_namespace": "x"}, True),
        ({"source_namespace": "x"}, {"source_namespace": "y"}, False),
        # istiod looks at the source only where the match names no gateways.
        ({"source_namespace": "x"}, {"source_namespace": "x", "gateways": ("mesh",)}, False),
        ({"source_labels": {"a": "b"}}, {"source_labels": {"a": "b", "c": "d"}}, True),
        ({"source_labels": {"a": "b"}}, {}, False),
    ],
)
def test_which_clients_are_covered(wide: dict[str, Any], narrow: dict[str, Any], covered: bool) -> None:
    assert covers(RouteMatch(HERE, **wide), RouteMatch(HERE, **narrow)) is covered


@given(ENTRIES)
def test_an_entry_covers_itself_and_all_covers_it(entry: RouteMatch) -> None:
    assert covers(entry, entry)
    assert covers(None, entry)


def test_which_connections_are_covered() -> None:
    assert covers_connections(TcpMatch(HERE, port=80), TcpMatch(HERE, port=80))
    assert covers_connections(TcpMatch(HERE), TcpMatch(HERE, port=80))
    assert not covers_connections(TcpMatch(HERE, port=80), TcpMatch(HERE))
    named, wider = TcpMatch(HERE, sni_hosts=("a.example.com",)), TcpMatch(HERE, sni_hosts=("*.example.com",))
    assert covers_connections(named, named)
    assert not covers_connections(wider, named)
    assert not covers_connections(TcpMatch(HERE), named)
    assert not covers_connections(named, TcpMatch(HERE))
    assert not covers_connections(TcpMatch(HERE, by_address=True), TcpMatch(HERE, by_address=True))
