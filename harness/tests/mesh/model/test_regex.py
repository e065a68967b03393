"""Regular expressions are Envoy's: RE2's syntax, RE2's meaning, and no pattern takes long."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.errors import Location, ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.regex import NotRe2Error, check_by_istiod, compile_re2, matches_whole, replace_all
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.example import accepted

# A backtracking engine needs 2 to the power of the length for these: longer than the universe has stood.
HOSTILE = ["(a+)+b", "(a|a)*b", "(a*)*b", "(a|aa)+$b", "([a-z]+)*[0-9]"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_pattern_that_backtracking_never_finishes_finishes(pattern: str) -> None:
    assert not matches_whole(pattern, "a" * 20_000)
    assert replace_all(pattern, "x", "a" * 2_000) == "a" * 2_000


def test_a_hostile_match_is_predicted(routed) -> None:
    mesh = routed("- match: [{uri: {regex: '/(a+)+b'}}]\n  directResponse: {status: 204}").mesh
    assert predict(mesh, parse("http://greeter:5000/" + "a" * 4_000)).status == 404
    assert predict(mesh, parse("http://greeter:5000/" + "a" * 4_000 + "b")).status == 204


@pytest.mark.parametrize(
    ("pattern", "value", "whole"),
    [
        (r"\pL+", "ab", True),
        # Pattern and value are bytes: é has two, of which the first is a letter of Latin-1 and the second is none.
        (r"\pL+", "aé", False),
        ("caf[éè]", "café", False),
        ("caf[éè][éè]", "café", True),
        ("caf.", "café", False),
        ("caf..", "café", True),
        ("é+", "éé", False),
        ("é", "é", True),
        ("(?i)É", "é", False),
        ("[^a]{2}", "é", True),
        (r"\x{e9}", "é", False),
        (r"\x{61}\z", "a", True),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        ("a(?i)b", "aB", True),
        ("(?i)a", "A", True),
        (r"\d", "٣", False),
        ("[[:^alpha:]]", "1", True),
        ("a$", "a\n", False),
        (".", "\n", False),
        ("(?s).", "\n", True),
        ("a|ab", "ab", True),
        ("", "", None),
    ],
)
def test_meaning_is_re2s_where_other_engines_differ(pattern: str, value: str, whole: bool | None) -> None:
    if whole is None:
        with pytest.raises(NotRe2Error):
            compile_re2(pattern)
    else:
        assert matches_whole(pattern, value) is whole


# Envoy takes no program of more instructions than this has.
LARGE = "|".join(f"{letter}{{1000}}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL")


@pytest.mark.parametrize(
    ("pattern", "by_istiod"),
    [(LARGE, False), (r"\x{100}", False), ("(?P<naïve>a)", False), ("*", True), ("(", True)],
    ids=["large", "wide", "name", "star", "parenthesis"],
)
def test_what_envoy_refuses_is_refused(pattern: str, by_istiod: bool) -> None:
    with pytest.raises(NotRe2Error):
        compile_re2(pattern)
    if by_istiod:
        with pytest.raises(NotRe2Error):
            check_by_istiod(pattern)
    else:
        check_by_istiod(pattern)


@pytest.mark.parametrize("pattern", [r"\C", "a" * 1025, "é" * 600], ids=["any byte", "long", "long in bytes"])
def test_what_istiod_alone_refuses_is_refused(pattern: str) -> None:
    compile_re2(pattern)
    with pytest.raises(NotRe2Error):
        check_by_istiod(pattern)


def test_a_pattern_of_almost_the_largest_program_is_taken() -> None:
    assert matches_whole("|".join(f"{letter}{{1000}}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEF"), "c" * 1000)


@pytest.mark.parametrize("pattern", ["(a{999}){999}", "a{1001}", r"\Z", "(?P=x)", "(?#c)a", "a**", "[z-a]"])
def test_what_only_other_engines_read_is_refused(pattern: str) -> None:
    with pytest.raises(NotRe2Error):
        compile_re2(pattern)


@pytest.mark.parametrize(
    ("pattern", "by", "value", "result"),
    [
        ("b*", "x", "abc", "xaxcx"),
        ("^", "/p", "/a", "/p/a"),
        ("(a)(b)?", r"[\2\1\0]", "abac", "[baab][aa]c"),
        ("a", r"\\", "a", "\\"),
        ("(a)", r"\2", "a", "a"),
        ("a", r"x\qy", "ab", "xb"),
        ("x", "y", "a", "a"),
    ],
)
def test_replacement_is_re2s(pattern: str, by: str, value: str, result: str) -> None:
    assert replace_all(pattern, by, value) == result


def test_an_invalid_pattern_is_named_with_its_place_and_re2s_reason() -> None:
    text = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
  - match:
    - uri:
        regex: '(?=a)'
    redirect: {uri: /}
"""
    with pytest.raises(ManifestError) as caught:
        build(load(["-"], stdin=io.StringIO(text)).resources)
    (problem,) = caught.value.problems
    assert (problem.location.line, problem.location.column) == (9, 16)
    assert "RE2" in problem.message
    assert "invalid perl operator: (?=" in problem.message


@pytest.mark.parametrize("pattern", ["(" * 500 + "a" + ")" * 500, "(a{30}){30}", *HOSTILE])
def test_an_example_of_a_hostile_pattern_is_small_or_none(pattern: str) -> None:
    text = accepted(StringMatch(MatchKind.REGEX, pattern, Location("x.yaml", 1, 1)))
    assert text is None or matches_whole(pattern, text)
