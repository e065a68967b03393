"""Texts that meet a condition by a regular expression: RE2's own engine says whether they do."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from meshproof.errors import Location
from meshproof.mesh.model.regex import NotRe2Error, compile_re2
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.requests.example import CHOICES, _text, examples
from meshproof.mesh.requests.pattern import parse


def shown(pattern: str) -> tuple[str, ...]:
    return examples(StringMatch(MatchKind.REGEX, pattern, Location("rule.yaml", 1, 1)))


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"\p{L}+", {"a", "A", "AAA"}),
        (r"\pL\PL", {"a0", "A/"}),
        (r"[\p{Lu}]", {"A"}),
        (r"\p{^L}", {"0", "~"}),
        (r"[^\P{L}]", {"a", "A"}),
        (r"[^\p{L}\p{N}]", {"/", "~"}),
        (r"\p{Nd}{3}", {"000"}),
        ("[[:alpha:]]+", {"a", "AAA"}),
        ("[[:^alpha:]]", {"0", "~"}),
        ("[^[:alpha:][:digit:]]", {"/", "~"}),
        (r"/\Qa.b\E/.*", {"/a.b/a", "/a.b/"}),
        (r"\Q[x]", {"[x]"}),
        (r"\Qab\E{2}", {"abb"}),
        (r"a\Q\E*", {"", "a", "aa"}),
        (r"\Q\\E", {"\\"}),
        ("(?i)ab", {"ab", "AB"}),
        (r"(?i)\Qab\E", {"ab", "AB"}),
        ("(b|c(?i)d|e)", {"b", "cd", "cD", "e", "E"}),
        ("(?i:a)(?-i:b)", {"ab", "Ab"}),
        (r"\x{61}\x62\143\*", {"abc*"}),
        ("[]x]", {"]", "x"}),
        ("x{,2}", {"x{,2}"}),
        ("{x}", {"{x}"}),
        ("(?P<name>a)(?<other>b)(?:c)", {"abc"}),
        ("(?U)a+b??", {"ab", "a", "aaab"}),
        (r"\Aa\z|^b$", {"a", "b"}),
        ("é+", {"é"}),
        ("a||b", {"a", "", "b"}),
    ],
)
def test_there_is_a_text_for_every_form_of_a_class_and_of_a_quotation(pattern: str, wanted: set[str]) -> None:
    assert wanted <= set(shown(pattern))


@pytest.mark.parametrize("pattern", [r"\p{Greek}", r"\x{e000}?[^\x00-\xff]", r"a\Bb\b.c", r"[\x00-\x08]"])
def test_there_is_none_where_no_request_meets_it(pattern: str) -> None:
    assert shown(pattern) == ()


NAMES = ("alpha", "digit", "alnum", "lower", "upper", "space", "xdigit", "word", "punct", "print", "graph", "blank")
PROPERTIES = ("L", "Lu", "Ll", "N", "Nd", "P", "S", "Z", "Latin", "Any")
OF_CLASSES = st.one_of(
    st.sampled_from(["a", "q", "Z", "5", "_", "-", "é", "a-f", "0-9", r"\]", r"\-", r"\x41", r"\d", r"\W", r"\s"]),
    st.builds("[:{}{}:]".format, st.sampled_from(["", "^"]), st.sampled_from(NAMES)),
    st.builds(r"\{}{{{}}}".format, st.sampled_from("pP"), st.sampled_from(PROPERTIES)),
)
ATOMS = st.one_of(
    st.sampled_from(["a", "B", "/", "é", "7", "-", "{", ".", r"\.", r"\d", r"\w", r"\S", r"\pL", r"\PN", r"\x{e9}"]),
    st.sampled_from([r"\Qa.b*\E", r"\Q\E", r"\Q|(\E", r"\101", r"\x2f", "(?i)", "(?s)", "(?i-s)", r"\p{^Lu}"]),
    st.builds("[{}{}]".format, st.sampled_from(["", "^"]), st.lists(OF_CLASSES, min_size=1, max_size=4).map("".join)),
)
REPETITIONS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{0}", "{1,}", "{0,2}", "{,3}", "{1,2}?"])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    heads = st.sampled_from(["(", "(?:", "(?i:", "(?s-i:", "(?P<n>", "(?<m>"])
    return st.one_of(
        st.builds("{}{}){}".format, heads, inner, REPETITIONS),
        st.builds("{}{}{}".format, inner, REPETITIONS, inner),
        st.builds("{}|{}".format, inner, inner),
    )


PATTERNS = st.recursive(st.builds("{}{}".format, ATOMS, REPETITIONS), _wider, max_leaves=6)


@given(PATTERNS)
def test_what_is_made_of_a_pattern_meets_it(pattern: str) -> None:
    """No pattern here looks at what is beside it, so each text is to match, not just those that are kept."""
    try:
        compiled = compile_re2(pattern)
    except NotRe2Error:
        assume(False)
    tree = parse(pattern)
    made = [text for choice in range(CHOICES) if (text := _text(tree, choice)) is not None]
    assert [text for text in made if not compiled.fullmatch(text)] == []


@given(PATTERNS)
def test_a_pattern_that_matches_anything_has_an_example(pattern: str) -> None:
    try:
        compiled = compile_re2(pattern)
    except NotRe2Error:
        assume(False)
    candidates = ("", "a", "A", "0", "/", "é", "aa", "a0", "a.b*", "a/", "|(", "-", "_", "~")
    assert shown(pattern) or not any(compiled.fullmatch(one.encode()) for one in candidates)
