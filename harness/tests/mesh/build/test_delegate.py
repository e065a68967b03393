"""Delegation: which rules a root and its delegates come to."""

from __future__ import annotations

import pytest
from delegation import PART, ROOT, TO_V2, written
from meshproof.border.request import Request, parse
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict


def taken(built, root: str, part: str, asked: str, *, namespace: str = "shop") -> bool:
    """Whether the delegate's rule takes a request, rather than the root's next one."""
    mesh = built(written(f"match: [{root}]", f"match: [{part}]\n    {TO_V2}" if part else TO_V2)).mesh
    return not predict(mesh, parse(asked), source(namespace, {"app": "a"})).status


@pytest.mark.parametrize(
    ("root", "part", "asked", "expected"),
    [
        ("{uri: {prefix: /a}}", "", "http://greeter.default:5000/a", True),
        ("{uri: {prefix: /a}}", "", "http://greeter.default:5000/b", False),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}", "http://greeter.default:5000/a/b", True),
        ("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}", "http://greeter.default:5000/a/c", False),
        ("{uri: {prefix: /a}}", "{uri: {exact: /ab}}", "http://greeter.default:5000/ab", True),
        ("{uri: {prefix: /a/b}}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a/b", False),
        ("{uri: {exact: /a}}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a", False),
        ("{uri: {exact: /a}}", "{uri: {exact: /a}}", "http://greeter.default:5000/a", True),
        ("{uri: {exact: /a}}", "{uri: {exact: /b}}", "http://greeter.default:5000/a", False),
        ("{uri: {regex: /a.*}}", "{uri: {exact: /a}}", "http://greeter.default:5000/a", False),
        ("{uri: {regex: /a.*}}", "{method: {exact: GET}}", "http://greeter.default:5000/ab", True),
        ("{uri: {prefix: /a}}", "{uri: {regex: /a}}", "http://greeter.default:5000/a", False),
        ("{uri: {prefix: /a}, ignoreUriCase: true}", "{uri: {prefix: /a/b}}", "http://greeter.default:5000/a/b", False),
        (
            "{uri: {prefix: /a}, ignoreUriCase: true}",
            "{uri: {prefix: /a/b}, ignoreUriCase: true}",
            "http://greeter.default:5000/A/B",
            True,
        ),
        ("{headers: {x-k: {exact: '1'}}}", "{headers: {x-k: {}}}", "http://greeter.default:5000/ x-k:1", False),
        ("{headers: {x-k: {exact: '1'}}}", "{headers: {x-l: {}}}", "http://greeter.default:5000/ x-k:1 x-l:2", True),
        ("{headers: {x-k: {exact: '1'}}}", "{headers: {x-l: {}}}", "http://greeter.default:5000/ x-l:2", False),
        ("{headers: {x-k: {prefix: a}}}", "{headers: {x-k: {exact: ab}}}", "http://greeter.default:5000/ x-k:ab", True),
        (
            "{headers: {x-k: {prefix: a}}}",
            "{headers: {x-k: {exact: ab}}}",
            "http://greeter.default:5000/ x-k:ac",
            False,
        ),
        ("{headers: {X-K: {exact: a}}}", "{headers: {x-k: {exact: b}}}", "http://greeter.default:5000/ x-k:b", False),
        ("{withoutHeaders: {x-k: {}}}", "{withoutHeaders: {x-l: {}}}", "http://greeter.default:5000/ x-k:1", False),
        ("{withoutHeaders: {x-k: {}}}", "{withoutHeaders: {x-l: {}}}", "http://greeter.default:5000/", True),
        (
            "{queryParams: {q: {exact: a}}}",
            "{queryParams: {r: {exact: b}}}",
            "http://greeter.default:5000/?q=a&r=b",
            True,
        ),
        ("{queryParams: {q: {exact: a}}}", "{queryParams: {q: {exact: b}}}", "http://greeter.default:5000/?q=a", False),
        ("{method: {exact: GET}}", "{method: {exact: PUT}}", "http://greeter.default:5000/", False),
        ("{port: 5000}", "{port: 80}", "http://greeter.default:5000/", False),
        ("{port: 5000}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a", True),
        ("{sourceNamespace: shop}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a", False),
        ("{sourceNamespace: shop}", "", "http://greeter.default:5000/a", True),
        (
            "{sourceNamespace: shop}",
            "{sourceNamespace: shop, uri: {prefix: /a}}",
            "http://greeter.default:5000/a",
            True,
        ),
        ("{sourceLabels: {app: a}}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a", True),
        ("{sourceLabels: {app: a}}", "{sourceLabels: {app: b}}", "http://greeter.default:5000/a", False),
        ("{sourceLabels: {app: b}}", "{uri: {prefix: /a}}", "http://greeter.default:5000/a", False),
        ("{gateways: [mesh]}", "{gateways: [mesh, edge]}", "http://greeter.default:5000/a", False),
        ("{gateways: [mesh, edge]}", "{gateways: [mesh]}", "http://greeter.default:5000/a", True),
    ],
)
def test_the_conditions_of_both_must_hold_and_must_not_contradict_each_other(
    built, root: str, part: str, asked: str, expected: bool
) -> None:
    assert taken(built, root, part, asked) is expected


def test_of_several_conditions_each_of_the_delegates_must_fit_one_of_the_roots(built) -> None:
    root = "match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}]"
    both = written(root, f"match: [{{uri: {{prefix: /a/x}}}}, {{uri: {{exact: /bx}}}}]\n    {TO_V2}")
    (rule, _) = built(both).mesh.virtual_services[0].http
    assert [(one.uri.kind.value, one.uri.value) for one in rule.matches] == [("prefix", "/a/x"), ("exact", "/bx")]
    one_astray = written(root, f"match: [{{uri: {{prefix: /a/x}}}}, {{uri: {{exact: /c}}}}]\n    {TO_V2}")
    assert len(built(one_astray).mesh.virtual_services[0].http) == 1
    free = written(root, f"match: [{{method: {{exact: GET}}}}]\n    {TO_V2}")
    (rule, _) = built(free).mesh.virtual_services[0].http
    assert [(one.uri.value, one.method.value) for one in rule.matches] == [("/a", "GET"), ("/b", "GET")]


def test_a_rule_that_contradicts_its_root_is_left_out_and_said(built) -> None:
    found = built(written("match: [{uri: {exact: /a}}]", f"match: [{{uri: {{exact: /b}}}}]\n    {TO_V2}"))
    (gap,) = found.mesh.unmodelled
    assert gap.subject == "VirtualService default/part"
    assert "contradict" in gap.why
    assert "istiod leaves it out" in gap.why
    assert gap.touches == ()
    assert all("contradict" not in one.message for one in found.notices)


def test_a_rule_that_one_root_leaves_out_and_another_has_is_no_gap(built) -> None:
    shared = written("match: [{uri: {prefix: /a}}]", f"match: [{{uri: {{prefix: /b}}}}]\n    {TO_V2}")
    other = ROOT.format(root="match: [{uri: {prefix: /b}}]").replace("name: root", "name: other")
    found = built(f"{shared}\n---\n{other.replace('greeter]', 'elsewhere]')}")
    assert found.mesh.unmodelled == ()
    (notice,) = (one for one in found.notices if "contradict" in one.message)
    assert "istiod leaves it out" in notice.message


def merged(built, root: str, part: str):
    return built(written(root, part)).mesh.virtual_services[0].http[0]


def test_what_the_delegates_rule_leaves_out_it_takes_from_the_root(built) -> None:
    root = (
        "{name: r, timeout: 1s, retries: {attempts: 4}, rewrite: {uri: /r}, headers: {request: {set: {x-from: root}}},"
        " fault: {abort: {httpStatus: 500, percentage: {value: 10}}}, corsPolicy: {maxAge: 1h},"
        " delegate: {name: part}, match: [{uri: {prefix: /a}}]}"
    )
    whole = ROOT.format(root="name: x").replace("  - name: x\n    delegate: {name: part}\n", f"  - {root}\n")
    plain = built(whole + PART.format(part=f"name: p\n    {TO_V2}", place="", spec="")).mesh.virtual_services[0].http[0]
    assert (plain.name, plain.timeout, plain.retries.attempts, plain.rewrite.uri) == ("r-p", 1.0, 4, "/r")
    assert (plain.abort.status, plain.cors.max_age) == (500, 3600.0)
    assert plain.headers.request.set == (("x-from", "root"),)
    own = (
        "timeout: 2s\n    retries: {attempts: 5}\n    rewrite: {authority: p}\n"
        "    headers: {response: {set: {x-d: '1'}}}\n    corsPolicy: {maxAge: 2h}\n"
        f"    fault: {{delay: {{fixedDelay: 1s, percentage: {{value: 10}}}}}}\n    {TO_V2}"
    )
    kept = built(whole + PART.format(part=own, place="", spec="")).mesh.virtual_services[0].http[0]
    assert (kept.timeout, kept.retries.attempts, kept.rewrite.uri, kept.rewrite.authority) == (2.0, 5, "", "p")
    assert (kept.abort, kept.delay.seconds, kept.cors.max_age) == (None, 1.0, 7200.0)
    assert (kept.headers.request.set, kept.headers.response.set) == ((), (("x-d", "1"),))


@pytest.mark.parametrize(
    ("root", "part", "expected"),
    [
        ("mirror: {host: one}", "name: p", [("one", "1")]),
        ("mirror: {host: one}", "mirror: {host: two}", [("two", "1")]),
        ("mirrorPercentage: {value: 10}", "mirror: {host: two}", [("two", "1/10")]),
        ("mirror: {host: one}\n    mirrorPercent: 20", "mirror: {host: two}", [("two", "1/5")]),
        (
            "mirror: {host: one}\n    mirrorPercentage: {value: 10}",
            "mirror: {host: two}\n    mirrorPercent: 20",
            [("two", "1/10")],
        ),
        (
            "mirrors: [{destination: {host: one}, percentage: {value: 50}}]",
            "mirror: {host: two}",
            [("two", "1"), ("one", "1/2")],
        ),
        ("mirrors: [{destination: {host: one}}]", "mirrors: [{destination: {host: two}}]", [("two", "1")]),
    ],
)
def test_mirrors_and_their_shares_are_taken_field_by_field(built, root: str, part: str, expected) -> None:
    rule = merged(built, root, f"{part}\n    {TO_V2}")
    assert [(one.destination.host.partition(".")[0], str(one.share)) for one in rule.mirrors] == expected


def test_names_are_those_of_the_resource_that_they_stand_in(built) -> None:
    text = ROOT.format(root="mirror: {host: copy}").replace("name: part", "name: part, namespace: shop")
    text += PART.format(part="route: [{destination: {host: till}}]", place=", namespace: shop", spec="")
    rule = built(text).mesh.virtual_services[0].http[0]
    assert rule.destinations[0].destination.host == "till.shop.svc.cluster.local"
    assert rule.mirrors[0].destination.host == "copy.default.svc.cluster.local"


def test_both_rules_count_as_looked_at(built) -> None:
    mesh = built(written("match: [{uri: {prefix: /a}}]", f"match: [{{uri: {{prefix: /a/b}}}}]\n    {TO_V2}")).mesh
    rule = mesh.virtual_services[0].http[0]
    expected = predict(mesh, Request("GET", "greeter", 5000, "/a/b"))
    assert expected.route == rule.location
    assert {rule.location, rule.root} <= set(expected.looked_at)
    assert rule.root != rule.location
