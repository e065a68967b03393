"""Files of intents: what they may say, and where each mistake stands."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.intents.intent import Intent, Never, share, shares
from meshproof.errors import ManifestError, UsageError

WHOLE = """\
- name: only beta users reach next at checkout
  request: "POST http://shop.example.com/checkout x-beta:yes"
  from: shop/app=web
  gateway: shop/entry
  expect: {to: {next: 100%}, within: 2s, status: 200, header: {X-Tenant: acme}, mirror: none, path: /x, redirect: /y}
- request: ["GET http://cart/", "GET http://cart:8080/"]
  expect: {to: v1}
- never: {to: next, unless: "x-beta:yes"}
"""


def test_all_that_an_intent_may_say(intents) -> None:
    first, second, never = intents(WHOLE)
    assert isinstance(first, Intent)
    assert (first.name, first.client, first.gateway) == (
        "only beta users reach next at checkout",
        "shop/app=web",
        "shop/entry",
    )
    assert (first.to, first.within, first.status, first.header) == ({"next": "100%"}, 2.0, 200, {"x-tenant": "acme"})
    assert (first.mirror, first.path, first.redirect) == ("none", "/x", "/y")
    assert str(first.location) == "<stdin>:1:3"
    assert second.requests == ("GET http://cart/", "GET http://cart:8080/")
    assert isinstance(never, Never)
    assert (never.destinations, never.exceptions) == (("next",), ("x-beta:yes",))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("- requst: GET http://a/\n  expect: {to: a}", "1:3", "did you mean request?"),
        ("- request: GET http://a/\n  expect: {too: a}", "2:12", "did you mean to?"),
        ("- request: GET http://a/\n  expect: {to: {a: 195%}}", "2:20", "'195%' is no share"),
        ("- request: GET http://a/\n  expect: {to: {a: 95}}", "2:20", "write 95%"),
        ("- request: GET http://a/\n  expect: {to: {}}", "2:16", "names no destination"),
        ("- request: GET http://a/\n  expect: {within: soon}", "2:20", "must be a duration"),
        ("- request: GET http://a/\n  expect: {status: 99}", "2:20", "must be between 100 and 599"),
        ("- request: GET http://a/\n  expect: {status: '404'}", "2:20", "write digits without quotes"),
        ("- request: GET http://a/\n  expect: {header: {x-a: yes}}", "2:26", 'write "yes"'),
        ("- request: GET http://a/\n  expect: {}", "2:11", "expect states nothing"),
        ("- request: GET http://a/", "1:3", "this intent expects nothing"),
        ("- expect: {to: a}", "1:3", "this intent has no request"),
        ("- request: [GET a]\n  expect: {to: a}", "1:13", "the URL must begin with http://HOST"),
        ("- request: []\n  expect: {to: a}", "1:12", "request is empty"),
        ("- request: GET http://a/ x\n  expect: {to: a}", "1:12", "'x' is not HEADER:VALUE"),
        ("- never: {unless: 'a:b'}", "1:10", "never names no destination"),
        ("- never: {to: a, unles: 'a:b'}", "1:18", "did you mean unless?"),
        ("- never: {to: a, unless: x-beta}", "1:26", "'x-beta' is no condition on a header"),
        ("- never: {to: a}\n  request: GET http://a/", "2:12", "request means nothing beside it"),
        ("- just text", "1:3", "an intent must be a mapping"),
        ("request: GET http://a/", "1:1", "a file of intents must be a list"),
        ("- request: GET http://a/\n  expect: {to: a, to: b}", "2:19", "to is given twice"),
        ("- {", "2:1", "this is not YAML"),
        ("# nothing", "1:1", "there is no intent here"),
    ],
)
def test_each_mistake_is_told_with_its_place(intents, text: str, place: str, words: str) -> None:
    with pytest.raises(ManifestError) as caught:
        intents(text)
    assert f"<stdin>:{place}: " in str(caught.value)
    assert words in str(caught.value)


def test_all_mistakes_are_told_at_once(intents) -> None:
    with pytest.raises(ManifestError) as caught:
        intents("- request: x\n  expect: {status: 1, within: x}\n- never: {too: a}\n")
    places = [(one.location.line, one.location.column) for one in caught.value.problems]
    assert places == [(1, 12), (2, 31), (2, 20), (3, 11)] or sorted(places) == [(1, 12), (2, 20), (2, 31), (3, 11)]


@pytest.mark.parametrize(
    ("written", "holds", "does_not"),
    [
        ("95%", "95/100", "954/1000"),
        ("33.3%", "1/3", "34/100"),
        ("1/3", "1/3", "333/1000"),
        (5, "5/100", "6/100"),
        ("0.5%", "5/1000", "1/100"),
        ("100 %", "1", "999/1000"),
    ],
)
def test_a_share_is_exact_unless_decimals_say_that_it_is_rounded(written, holds: str, does_not: str) -> None:
    assert share(written).holds(Fraction(holds))
    assert not share(written).holds(Fraction(does_not))


@pytest.mark.parametrize("written", ["", "101%", "3/2", "1/0", "x%", "-5%", "1e1%", float("nan"), "٩%"])
def test_what_is_no_share_is_refused(written) -> None:
    with pytest.raises(UsageError):
        share(written)


def test_a_name_alone_has_all_of_it_and_none_is_nobody() -> None:
    assert shares("v1")["v1"].holds(Fraction(1))
    assert shares("none") == {}
