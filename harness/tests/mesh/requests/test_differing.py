"""The shortest text that one condition accepts and another does not."""

from __future__ import annotations

import itertools
import re
from random import Random

import pytest
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.requests.differing import NOWHERE, Condition, TooManyError, only

PIECES = ("a", "b", "[ab]", "(a|b)", "(ab)", ".", "a?", "b*", "(a|bb)+", "b{1,2}", "", "(?i:A)")


def regex(pattern: str) -> Condition:
    return Condition(StringMatch(MatchKind.REGEX, pattern, NOWHERE))


def plain(kind: MatchKind, value: str, *, ignores_case: bool = False) -> Condition:
    return Condition(StringMatch(kind, value, NOWHERE), ignores_case)


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ("[0-9]+", "[0-8]+", "9"),
        ("[0-8]+", "[0-9]+", None),
        ("(a|b)*abb", "[ab]*abb", None),
        ("^/v[0-9]+/.*$", "/v[0-9]{1,2}/.*", "/v000/"),
        ("https://.*[.]b[.]com", "https://[a-z]*[.]b[.]com", "https://0.b.com"),
        ("[a-z]{3}(-[a-z]{2})?", "[a-z]{3}", "aaa-aa"),
        ("x[0-9]{1,100}", "x[0-9]{1,99}", f"x{'0' * 100}"),
        ("foo.*", r"\bfoo\b.*", "fooa"),
        (r"\bfoo\b.*", "foo.*", None),
    ],
)
def test_between_two_regular_expressions(own: str, other: str, expected: str | None) -> None:
    assert only(regex(own), regex(other)) == expected


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (plain(MatchKind.PREFIX, "/shop"), regex("/shop/.*"), "/shop"),
        (regex("/shop/.*"), plain(MatchKind.PREFIX, "/shop"), None),
        (plain(MatchKind.PATH_PREFIX, "/a"), regex("/a/?"), "/a/a"),
        (regex("/a.?"), plain(MatchKind.PATH_PREFIX, "/a"), "/aa"),
        (plain(MatchKind.EXACT, "/Ab", ignores_case=True), plain(MatchKind.EXACT, "/Ab"), "/aB"),
        (plain(MatchKind.PRESENT, ""), regex("[^/].*"), ""),
    ],
)
def test_between_other_kinds(own: Condition, other: Condition, expected: str | None) -> None:
    assert only(own, other) == expected


def test_only_what_a_request_can_hold_there() -> None:
    assert only(regex("/.*"), regex("/[a-z]*"), of=b"ab/", start="/") == "//"
    assert only(regex(".*"), regex("/.*"), start="/") is None
    assert only(regex("[a-z0]+"), regex("[a-z]+"), of=b"abc") is None


@pytest.mark.parametrize(("own", "other"), [("(.*a){30}.{40}", "(.*a){31}.{40}"), ("[0-9]+", r"[0-9]+\b")])
def test_what_is_not_known_is_said(own: str, other: str) -> None:
    with pytest.raises(TooManyError):
        only(regex(own), regex(other))


def test_it_finds_what_trying_all_texts_finds() -> None:
    draws = Random(7)
    texts = ["".join(one) for length in range(5) for one in itertools.product("ab", repeat=length)]
    for _ in range(150):
        own, other = ("".join(draws.choices(PIECES, k=3)) for _ in range(2))
        found = only(regex(own), regex(other), of=b"ab")
        wanted = [one for one in texts if re.fullmatch(own, one) and not re.fullmatch(other, one)]
        if wanted:
            assert found is not None
            assert len(found) == len(wanted[0]), (own, other, found, wanted[0])
        else:
            assert found is None or len(found) > 4, (own, other, found)
