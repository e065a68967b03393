"""Which rule hides which, and which two only meet."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]

HEAD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
"""
AIM = "    route: [{destination: {host: reviews}}]\n"


def rules(*matches: str) -> str:
    """A VirtualService with a rule for each of these conditions (an empty one: for all requests)."""
    several = enumerate(matches, 1)
    lines = (f"  - timeout: {at}s\n" + (f"    match: [{match}]\n" if match else "") + AIM for at, match in several)
    return HEAD + "".join(lines)


def hidden(findings: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in findings if one.code in ("MP030", "MP031")]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("", "{uri: {exact: /a}}"),
        ("{uri: {prefix: /}}", "{headers: {x: {exact: 'on'}}}"),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /ab}}"),
        ("{uri: {prefix: /a}}", "{uri: {exact: /a}}"),
        ("{uri: {regex: '/a/.*'}}", "{uri: {exact: /a/b}}"),
        ("{uri: {prefix: /A}, ignoreUriCase: true}", "{uri: {prefix: /ab}}"),
        ("{headers: {x: {}}}", "{headers: {x: {exact: 'on'}}}"),
        ("{headers: {x: {prefix: o}}}", "{headers: {x: {exact: 'on'}, z: {}}}"),
        ("{method: {regex: 'GET|PUT'}}", "{method: {exact: PUT}, uri: {prefix: /a}}"),
        ("{queryParams: {q: {}}}", "{queryParams: {q: {exact: a}}}"),
        ("{withoutHeaders: {x: {}}}", "{withoutHeaders: {x: {}}, uri: {prefix: /a}}"),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a}, sourceLabels: {app: web}}"),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a}, port: 80}"),
    ],
)
def test_a_rule_whose_requests_an_earlier_one_takes_is_hidden(wide: str, narrow: str, found: Look) -> None:
    several = found(rules(wide, narrow), beside=True)
    assert hidden(several) == ["MP030"]
    one = next(one for one in several if one.code == "MP030")
    assert one.other is not None
    assert f"line {one.other.line} takes" in one.message
    assert one.other.line < one.location.line
    # The other way round both are reached.
    assert hidden(found(rules(narrow, wide), beside=True)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{uri: {prefix: /ab}}", "{uri: {prefix: /a}}"),
        ("{uri: {exact: /a}}", "{uri: {prefix: /a}}"),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /ab}, ignoreUriCase: true}"),
        ("{uri: {prefix: /a}, headers: {x: {}}}", "{uri: {prefix: /a}}"),
        ("{uri: {prefix: /a}, sourceLabels: {app: web}}", "{uri: {prefix: /a}}"),
        ("{uri: {prefix: /a}, withoutHeaders: {x: {}}}", "{uri: {prefix: /a}}"),
        ("{uri: {regex: '/[ab]'}}", "{uri: {regex: '/[bc]'}}"),
        ("{method: {exact: GET}}", "{method: {exact: PUT}}"),
    ],
)
def test_a_rule_that_some_request_reaches_is_not(first: str, second: str, found: Look) -> None:
    assert hidden(found(rules(first, second), beside=True)) == []


def test_a_rule_of_which_one_entry_is_reached_has_the_other_one_told(found: Look) -> None:
    text = (
        HEAD
        + "  - match: [{uri: {prefix: /a}}]\n"
        + AIM
        + "  - match: [{uri: {prefix: /ab}}, {uri: {prefix: /b}}]\n"
        + AIM
    )
    assert hidden(found(text, beside=True)) == ["MP031"]


def test_a_rule_by_a_claim_that_is_not_understood_hides_nothing(found: Look) -> None:
    claim = '{uri: {prefix: /a}, headers: {"@request.auth.claims.group": {exact: beta}}}'
    assert hidden(found(rules(claim, "{uri: {prefix: /a}}"), beside=True)) == []


def test_rules_for_connections_hide_each_other_too(found: Look) -> None:
    one = "  - match: [{port: 9000}]\n    route: [{destination: {host: reviews}}]\n"
    text = HEAD.replace("http:", "tcp:") + one + one
    assert hidden(found(text, beside=True)) == ["MP030"]


def test_two_rules_that_meet_in_some_requests_are_told_with_such_a_request(found: Look) -> None:
    several = found(
        rules("{uri: {prefix: /api}}", "{uri: {regex: '/.*/items'}}", "").replace(
            "timeout", "rewrite: {uri: /x}\n    timeout", 1
        ),
        beside=True,
    )
    (one,) = [one for one in several if one.code == "MP032"]
    assert one.message.startswith("GET /api/")


@pytest.mark.parametrize("kind", ["paths", "headers"])
def test_many_rules_cost_little_more_than_few(kind: str, found: Look) -> None:
    def took(number: int) -> float:
        each = "{uri: {prefix: /p%d/}}" if kind == "paths" else "{headers: {x-tenant: {exact: t%d}}}"
        text = rules(*(each % at for at in range(number)), "")
        began = time.process_time()
        assert hidden(found(text, beside=True)) == []
        return time.process_time() - began

    took(10)
    # Four times as many rules would take sixteen times as long if each were held against each.
    assert took(800) < 10 * max(took(200), 0.02)


def test_a_delegates_rule_is_hidden_only_where_all_who_delegate_to_it_hide_it(found: Look) -> None:
    head = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s}\nspec:\n"
    root = f"{head}  hosts: [%s]\n  http:\n"
    delegating = "  - match: [{uri: {prefix: /a}}]\n    delegate: {name: leaf}\n"
    everything = "  - route: [{destination: {host: reviews}}]\n"
    leaf = f"{head % 'leaf'}  http:\n{everything}"
    hiding = root % ("one", "reviews") + everything + delegating
    reaching = root % ("two", "other.example.com") + delegating + everything
    several = found(f"{leaf}---\n{hiding}---\n{reaching}", beside=True)
    (one,) = [one for one in several if one.code == "MP030"]
    # The rule that delegates in vain is told, and not that of the delegate, which the other one reaches.
    assert one.other is not None
    assert one.location.line == one.other.line + 1
