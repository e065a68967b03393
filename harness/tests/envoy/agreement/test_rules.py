"""Regular expressions, redirects and cross-origin policies: what is predicted of them is what Envoy does."""

from __future__ import annotations

import pytest
from meshproof.errors import Location
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.requests.example import examples

# Patterns of bytes, and which of these values they match as a whole.
VALUES = ("café", "cafe", "cafÉ", "é", "ω", "a", "éé", "É", "naïve")
PATTERNS = {
    "caf[éè]": (),
    "caf.": ("cafe",),
    "caf..": ("café", "cafÉ"),
    "caf(é|É)": ("café", "cafÉ"),
    "é+": ("é",),
    "(é)+": ("é", "éé"),
    "(?i)É": ("É",),
    "[^a]{2}": ("é", "ω", "É"),
    r"\pL+": ("cafe", "a"),
    r"\p{Greek}": (),
    "[α-ω]+": ("ω", "É"),
    r"\x{e9}": (),
    "na[ïi]+ve": ("naïve",),
}


def test_regular_expressions_match_bytes(meet, at_both) -> None:
    http = "".join(
        f"""
  - match: [{{uri: {{prefix: /{number}/}}, headers: {{x-name: {{regex: '{pattern}'}}}}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
        for number, pattern in enumerate(PATTERNS)
    )
    http += "  - route: [{destination: {host: web, subset: v2}}]\n"
    requests = [
        one for number in range(len(PATTERNS)) for value in VALUES for one in at_both(f"/{number}/", ("x-name", value))
    ]
    found = meet(http, requests)
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    within = [one.version == "v1" for one in found[::2]]
    for number, wanted in enumerate(PATTERNS.values()):
        met = within[number * len(VALUES) : (number + 1) * len(VALUES)]
        assert tuple(value for value, took in zip(VALUES, met, strict=True) if took) == wanted


GUESSED = (
    r"\p{L}+",
    r"[^\p{L}]x",
    r"\PN\pN",
    "[[:alpha:]]{2}",
    "[[:^alpha:]]",
    r"\Qa.b\E.*",
    r"(?i)\Qab\E|[é]",
    r"\x{e9}",
)


def test_what_is_guessed_of_a_pattern_matches_it(meet, at_both) -> None:
    here = Location("rule.yaml", 1, 1)
    http = "".join(
        f"""
  - match: [{{uri: {{prefix: /{number}/}}, headers: {{x-name: {{regex: '{pattern}'}}}}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
        for number, pattern in enumerate(GUESSED)
    )
    http += "  - route: [{destination: {host: web, subset: v2}}]\n"
    guessed = [examples(StringMatch(MatchKind.REGEX, pattern, here)) for pattern in GUESSED]
    assert all(guessed)
    asked = ((number, value) for number, values in enumerate(guessed) for value in values if value.strip() == value)
    found = meet(http, [one for number, value in asked for one in at_both(f"/{number}/", ("x-name", value))])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    assert {one.version for one in found} == {"v1"}


def test_a_byte_that_is_no_character_can_be_asked_with(meet, at_both) -> None:
    http = """
  - match: [{headers: {x-name: {regex: "caf[é]"}}}]
    route: [{destination: {host: web, subset: v1}}]
  - route: [{destination: {host: web, subset: v2}}]
"""
    found = meet(http, at_both("/", ("x-name", b"caf\xc3".decode("utf-8", "surrogateescape"))))
    assert [(one.difference, one.version) for one in found] == [("", "v1")] * 2
    assert str(found[0].expectation.request).endswith(r"'x-name:caf\xc3'")


def test_a_pattern_of_the_largest_program_that_istiod_lets_through(meet, at_both) -> None:
    several = "|".join(f"{letter}{{1000}}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEF")
    http = f"""
  - match: [{{uri: {{regex: '/({several})'}}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
  - route: [{{destination: {{host: web, subset: v2}}}}]
"""
    found = meet(http, [*at_both("/" + "c" * 1000), *at_both("/" + "c" * 999)])
    assert [(one.difference, one.version) for one in found] == [("", "v1")] * 2 + [("", "v2")] * 2


REDIRECTS = {
    ("prefix: /old", "prefixRewrite: /new"): {
        "/old": "/new",
        "/old/x?q=1": "/new/x?q=1",
        "/oldx?q=1": "/newx?q=1",
    },
    ("prefix: /slash/", "prefixRewrite: /new"): {"/slash/": "/new", "/slash/x": "/newx"},
    ("prefix: /root", "prefixRewrite: /"): {"/root": "/", "/root/x?q": "//x?q", "/rootx": "/x"},
    ("prefix: /asks", "prefixRewrite: '/new?a=1'"): {"/asks": "/new?a=1", "/asksx?b=2": "/new?a=1x?b=2"},
    ("prefix: /bare", "prefixRewrite: new"): {"/bare": "/new", "/barex": "/newx"},
    ("prefix: /uri", "uri: moved"): {"/uri": "/moved", "/uri?q=1": "/moved?q=1"},
    ("prefix: /said", "uri: '/m?x=1'"): {"/said?y=2": "/m?x=1"},
    ("prefix: /mark", "uri: '/m?'"): {"/mark?y=2": "/m?"},
    ("prefix: /part", "uri: '/m#f'"): {"/part?y=2": "/m#f?y=2"},
    ("exact: /exact", "uri: /m"): {"/exact?q=1": "/m?q=1"},
    ("regex: '/rx.*'", "uri: /m"): {"/rxab?q=1": "/m?q=1"},
}


def test_redirects(meet, at_both) -> None:
    http = "".join(
        f"""
  - match: [{{uri: {{{uri}}}}}]
    redirect: {{{does}}}
"""
        for uri, does in REDIRECTS
    )
    wanted = {path: target for several in REDIRECTS.values() for path, target in several.items()}
    found = meet(http, [one for path in wanted for one in at_both(path)])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    authority = "http://web.default.svc.cluster.local"
    assert {one.expectation.request.path: one.header("location") for one in found} == {
        path: authority + target for path, target in wanted.items()
    }


def test_a_prefix_that_is_rewritten_without_any_path_is_the_first_slash(meet, at_both) -> None:
    found = meet("  - redirect: {prefixRewrite: /new}\n", at_both("/zz?q=1"))
    assert [(one.difference, one.header("location")) for one in found] == [
        ("", "http://web.default.svc.cluster.local/newzz?q=1")
    ] * 2


@pytest.mark.parametrize("unmatched", ["FORWARD", "IGNORE"])
def test_preflights_of_other_origins(meet, at_both, unmatched: str) -> None:
    http = f"""
  - corsPolicy:
      allowOrigins: [{{exact: "http://a.example"}}]
      allowMethods: [GET]
      allowHeaders: [x-a]
      exposeHeaders: [x-e]
      maxAge: 5s
      allowCredentials: true
      unmatchedPreflights: {unmatched}
    headers: {{response: {{set: {{x-r: "1"}}}}}}
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
    ours, theirs = ("origin", "http://a.example"), ("origin", "http://b.example")
    asks = ("access-control-request-method", "GET")
    sent = [(ours, asks), (theirs, asks), (asks,), (theirs,), (("origin", ""), asks)]
    requests = [one for headers in sent for one in at_both("/", *headers, method="OPTIONS")]
    requests += [*at_both("/", theirs), *at_both("/", ours)]
    found = meet(http, requests)
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    foreign = "v1" if unmatched == "FORWARD" else "200"
    assert [one.version for one in found[::2]] == ["200", foreign, "v1", "v1", "v1", "v1", "v1"]
    answered = dict(found[2].observation.headers) if unmatched == "IGNORE" else {}
    assert {name: value for name, value in answered.items() if name.startswith("access-control")} == (
        {
            "access-control-allow-credentials": "true",
            "access-control-allow-methods": "GET",
            "access-control-allow-headers": "x-a",
            "access-control-max-age": "5",
        }
        if unmatched == "IGNORE"
        else {}
    )
