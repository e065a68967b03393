"""Where one entry is said to cover another, no request meets the narrow one and misses the wide one."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch, TcpMatch
from meshproof.mesh.predict.covering import covers, covers_connections
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


@settings(max_examples=200, deadline=None)
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


@given(ENTRIES)
def test_an_entry_covers_itself_and_all_covers_it(entry: RouteMatch) -> None:
    assert covers(entry, entry)
    assert covers(None, entry)


def test_connections_by_address_cover_nothing() -> None:
    assert covers_connections(TcpMatch(HERE, port=80), TcpMatch(HERE, port=80))
    assert covers_connections(TcpMatch(HERE), TcpMatch(HERE, port=80))
    assert not covers_connections(TcpMatch(HERE, port=80), TcpMatch(HERE))
    assert not covers_connections(TcpMatch(HERE, by_address=True), TcpMatch(HERE, by_address=True))
