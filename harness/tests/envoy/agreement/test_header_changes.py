"""What rules make of headers that proxies have for themselves, of empty values, and of Envoy's command operators."""

from __future__ import annotations

from meshproof.mesh.model.header_format import TAKEN, TAKEN_WITH_ARGUMENT


def rule(number: int, changes: str, does: str = "route: [{destination: {host: web, subset: v1}}]") -> str:
    return f"""
  - match: [{{uri: {{prefix: /{number}/}}}}]
    headers: {changes}
    {does}
"""


def test_an_empty_value_changes_nothing(meet, at_both) -> None:
    changes = [
        "{request: {set: {x-a: ''}}, response: {set: {x-r: ''}}}",
        "{request: {add: {x-a: ''}}, response: {add: {x-r: ''}}}",
        "{request: {set: {x-a: '1'}, add: {x-a: ''}}, response: {set: {x-r: '1'}, add: {x-r: ''}}}",
        "{request: {set: {x-a: '%REQ(x-nobody)%'}}, response: {set: {x-r: '%REQ(x-nobody)%'}}}",
        "{request: {set: {x-a: ' 1 '}}, response: {set: {x-r: ' 1 '}}}",
    ]
    http = "".join(rule(number, one) for number, one in enumerate(changes))
    requests = [
        one for number in range(len(changes)) for sent in ((), (("x-a", "q"),)) for one in at_both(f"/{number}/", *sent)
    ]
    found = meet(http, requests)
    assert [one.difference for one in found] == [""] * len(found)
    got = [(dict(one.received[0].headers).get("x-a"), one.header("x-r")) for one in found]
    assert got[:12:2] == [(None, None), ("q", None), (None, None), ("q", None), ("1", "1"), ("1", "1")]
    assert got[12::2] == [(None, None), ("q", None), ("1", "1"), ("1", "1")]
    assert got[::2] == got[1::2]


# A header of an answer, set to `meshproof`, added so, removed: what the client sees where a pod answers with none.
ANSWERS = {
    "x-own": ("meshproof", "meshproof", None),
    "server": ("envoy", "envoy", "envoy"),
    "date": ("meshproof", "meshproof", "now"),
    "via": ("meshproof", "meshproof", None),
    "keep-alive": ("meshproof", "meshproof", None),
    "connection": (None, None, None),
    "proxy-connection": (None, None, None),
    "upgrade": (None, None, None),
    "transfer-encoding": (None, None, None),
    "x-envoy-upstream-service-time": ("meshproof", "n,meshproof", None),
    "x-envoy-decorator-operation": ("meshproof", "meshproof", None),
    "x-request-id": ("meshproof", "meshproof", None),
}


def test_headers_of_answers(meet, at_both) -> None:
    changes = [
        (name, change)
        for name in ANSWERS
        for change in (f"set: {{{name}: meshproof}}", f"add: {{{name}: meshproof}}", f"remove: [{name}]")
    ]
    http = "".join(rule(number, f"{{response: {{{change}}}}}") for number, (_, change) in enumerate(changes))
    found = meet(http, [one for number in range(len(changes)) for one in at_both(f"/{number}/")])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    for within, outside in zip(found[::2], found[1::2], strict=True):
        assert (within.header("server"), outside.header("server")) == ("envoy", "istio-envoy")
    for number, (name, change) in enumerate(changes):
        seen = found[2 * number].header(name)
        wanted = ANSWERS[name][number % 3]
        if wanted == "now":
            assert seen is not None, change
            assert seen.endswith(" GMT"), change
        elif wanted == "n,meshproof":
            assert seen is not None, change
            assert seen.partition(",")[0].isdigit(), change
        else:
            assert seen == wanted, change


def test_headers_of_the_proxys_own_answers(meet, at_both) -> None:
    direct = "directResponse: {status: 200, body: {string: text}}"
    moved = "redirect: {authority: new.example}"
    cases = [
        (direct, "set: {content-type: a/b, x-r: '1', server: mine}"),
        (direct, "remove: [content-type, date, server]"),
        (direct, "add: {content-type: a/b, x-r: '1'}"),
        (moved, "set: {location: 'http://set.example/', content-type: a/b}"),
        (moved, "add: {location: 'http://added.example/'}"),
        (moved, "remove: [location, server]"),
        ("directResponse: {status: 201}", "set: {location: 'http://set.example/'}"),
        ("directResponse: {status: 204, body: {string: text}}", "set: {x-r: '1'}"),
        ("directResponse: {status: 404}", "set: {location: 'http://set.example/'}"),
    ]
    http = "".join(rule(number, f"{{response: {{{change}}}}}", does) for number, (does, change) in enumerate(cases))
    found = meet(http, [one for number in range(len(cases)) for one in at_both(f"/{number}/x")])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    types = [one.header("content-type") for one in found[::2]]
    assert types[:4] == ["a/b", "text/plain", "a/b", None]
    where = [(one.header("location") or "").partition("//")[2] for one in found[::2]]
    assert where[3:7] == ["set.example/", "new.example/4/x,http://added.example/", "", "set.example/"]
    assert where[8] == "set.example/"


# What a rule says, and what a pod gets of it from a client that sends `x-in: abcdef` and user-agent meshproof.
FORMATS = {
    "%REQ(x-in)%": "abcdef",
    "%REQ(X-In)%": "abcdef",
    "%REQ(x-nobody?x-in)%": "abcdef",
    "%REQ(x-nobody?x-noone)%": None,
    "%REQ(:method)%-%REQ(:authority)%": "GET-web.default.svc.cluster.local",
    "%REQ(:path)%": "/%d/p?q=1",
    "%REQ(user-agent)%": "meshproof",
    "%PROTOCOL%": "HTTP/1.1",
    "100%%": "100%",
    "%%REQ(x-in)%%": "%REQ(x-in)%",
    "%REQ(x-in)%%REQ(x-in)%": "abcdefabcdef",
}


def test_command_operators(meet, at_both) -> None:
    changes = [f"{{request: {{set: {{x-out: '{one}'}}}}, response: {{set: {{x-out: '{one}'}}}}}}" for one in FORMATS]
    http = "".join(rule(number, one) for number, one in enumerate(changes))
    requests = [one for number in range(len(FORMATS)) for one in at_both(f"/{number}/p?q=1", ("x-in", "abcdef"))]
    found = meet(http, requests)
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    assert not any(one.expectation.undecided for one in found)
    for number, wanted in enumerate(FORMATS.values()):
        value = wanted.replace("%d", str(number)) if wanted else wanted
        assert dict(found[2 * number].received[0].headers).get("x-out") == value
        assert found[2 * number].header("x-out") == value


UNKNOWN = [
    *(f"%{name}%" for name in sorted(TAKEN)),
    *(f"%{name}(a)%" for name in sorted(TAKEN_WITH_ARGUMENT - {"START_TIME", "DYNAMIC_METADATA", "CLUSTER_METADATA"})),
    *("%START_TIME(%s)%", "%DYNAMIC_METADATA(a:b)%", "%CLUSTER_METADATA(a:b)%", "a %RESPONSE_CODE%"),
]


def test_of_what_an_operator_gives_nothing_is_held_and_all_else_is(meet, at_both) -> None:
    changes = "{request: {set: {x-out: '%s', x-in: '1'}}, response: {set: {x-out: '%s'}}}"
    http = "".join(rule(number, changes.replace("%s", text)) for number, text in enumerate(UNKNOWN))
    found = meet(http, [one for number in range(len(UNKNOWN)) for one in at_both(f"/{number}/")])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    known = {str(one.expectation.request): one.expectation.undecided for one in found}
    assert set(known.values()) == {""}
    # %PROTOCOL% alone is known.
    untold = [dict(arm.request_headers.untold).get("x-out") for one in found[::2] for arm in one.expectation.arms]
    assert untold == [None if text == "%PROTOCOL%" else text for text in UNKNOWN]
    host = UNKNOWN.index("%HOSTNAME%")
    assert dict(found[2 * host].received[0].headers)["x-out"] not in ("", "%HOSTNAME%")


def test_what_instructs_envoy_or_belongs_to_a_connection_is_not_held_at_pods(meet, at_both) -> None:
    names = {
        "x-envoy-retry-on": "5xx",
        "x-envoy-max-retries": "1",
        "x-envoy-retriable-status-codes": "409",
        "x-envoy-upstream-rq-per-try-timeout-ms": "900",
        "x-envoy-upstream-rq-timeout-ms": "900",
        "keep-alive": "timeout=9",
        "te": "trailers",
        "x-forwarded-client-cert": "By=a",
        "x-envoy-attempt-count": "9",
    }
    http = "".join(
        rule(number, f"{{request: {{set: {{{name}: '{value}'}}}}}}")
        for number, (name, value) in enumerate(names.items())
    )
    found = meet(http, [one for number in range(len(names)) for one in at_both(f"/{number}/")])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    got = [name in dict(found[2 * number].received[0].headers) for number, name in enumerate(names)]
    assert got == [False, False, False, False, True, True, True, True, True]
