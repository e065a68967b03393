"""Rules see headers as the proxy makes them: removed, rewritten and added before any rule is looked at."""

from __future__ import annotations

# For each header a value, and what rules within the mesh and at the gateway make of it: P it is there, V it has the
# value, both where it is not touched.
SENT = {
    ("x-own", "a"): ("PV", "PV"),
    ("x-forwarded-proto", "https"): ("PV", "P"),
    ("x-forwarded-proto", "http"): ("PV", "PV"),
    ("x-request-id", "not-one-of-envoys"): ("PV", "P"),
    ("x-envoy-internal", "true"): ("", ""),
    ("x-envoy-retry-on", "5xx"): ("", ""),
    ("x-envoy-retry-grpc-on", "cancelled"): ("", ""),
    ("x-envoy-max-retries", "3"): ("", ""),
    ("x-envoy-retriable-status-codes", "409"): ("", ""),
    ("x-envoy-retriable-header-names", "x-a"): ("", ""),
    ("x-envoy-upstream-rq-timeout-ms", "10"): ("", ""),
    ("x-envoy-upstream-rq-per-try-timeout-ms", "10"): ("", ""),
    ("x-envoy-hedge-on-per-try-timeout", "true"): ("", ""),
    ("x-envoy-upstream-rq-timeout-alt-response", "1"): ("", ""),
    ("x-envoy-expected-rq-timeout-ms", "10"): ("", ""),
    ("x-envoy-upstream-alt-stat-name", "a"): ("", ""),
    ("x-envoy-force-trace", "1"): ("", ""),
    ("x-envoy-ip-tags", "a"): ("", ""),
    ("x-envoy-original-url", "/a"): ("", ""),
    ("x-envoy-upstream-stream-duration-ms", "1"): ("", ""),
    ("x-envoy-original-path", "/a"): ("PV", ""),
    ("x-envoy-original-host", "a"): ("PV", ""),
    ("x-envoy-decorator-operation", "a"): ("PV", ""),
    ("x-envoy-downstream-service-cluster", "a"): ("PV", ""),
    ("x-envoy-downstream-service-node", "a"): ("PV", ""),
    ("x-envoy-attempt-count", "7"): ("PV", "PV"),
    ("x-envoy-anything", "a"): ("PV", "PV"),
    ("x-forwarded-client-cert", "By=a"): ("", ""),
    ("x-forwarded-host", "a"): ("PV", "PV"),
    ("keep-alive", "timeout=5"): ("", ""),
    ("connection", "keep-alive"): ("", ""),
    ("proxy-connection", "keep-alive"): ("", ""),
    ("te", "trailers"): ("PV", "PV"),
    ("te", "gzip"): ("", ""),
    ("upgrade", "websocket"): ("", ""),
    ("upgrade", "h2c"): ("", ""),
    ("expect", "100-continue"): ("PV", "PV"),
    ("via", "1.1 a"): ("PV", "PV"),
    ("forwarded", "for=a"): ("PV", "PV"),
    ("referer", "http://a/"): ("PV", "PV"),
    ("user-agent", "meshproof"): ("PV", "PV"),
    ("accept", "*/*"): ("PV", "PV"),
}


def rules(name: str, value: str, number: int) -> str:
    here = f"uri: {{prefix: /{number}/"
    condition = f"{{{name}: {{exact: '{value}'}}}}"
    return f"""
  - match: [{{{here}there}}, headers: {{{name}: {{}}}}}}, {{{here}value}}, headers: {condition}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
  - match: [{{{here}without}}, withoutHeaders: {condition}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
  - match: [{{{here}}}}}]
    route: [{{destination: {{host: web, subset: v2}}}}]
"""


def test_what_clients_send(meet, at_both) -> None:
    every = list(enumerate(SENT.items()))
    http = "".join(rules(name, value, number) for number, ((name, value), _) in every)
    requests = [
        one
        for number, ((name, value), _) in every
        for kind in ("there", "value", "without")
        for one in at_both(f"/{number}/{kind}", (name, value))
    ]
    found = meet(http, requests)
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    took = {}
    for number, (sent, _) in every:
        six = [one.version == "v1" for one in found[6 * number : 6 * number + 6]]
        assert six[4:] == [not one for one in six[2:4]], sent
        took[sent] = tuple("P" * six[at] + "V" * six[2 + at] for at in (0, 1))
    assert took == SENT


def test_what_nobody_sent(meet, at_both) -> None:
    names = ("x-forwarded-proto", "x-request-id", "x-forwarded-for", "x-envoy-external-address", "user-agent", "accept")
    http = "".join(rules(name, "a", number) for number, name in enumerate(names))
    found = meet(http, [one for number in range(len(names)) for one in at_both(f"/{number}/there")])
    assert [one.difference for one in found] == [""] * len(found)
    there = [one.version == "v1" for one in found]
    assert dict(zip(names, zip(there[::2], there[1::2], strict=True), strict=True)) == {
        "x-forwarded-proto": (True, True),
        "x-request-id": (True, True),
        "x-forwarded-for": (False, True),
        "x-envoy-external-address": (False, True),
        "user-agent": (True, True),
        "accept": (True, True),
    }


def test_of_some_headers_that_stand_twice_envoy_keeps_one(meet, at_both) -> None:
    names = ("x-own", "accept", "user-agent", "x-forwarded-proto", "x-request-id", "cookie", "via", "authorization")
    both = "".join(rules(name, "a,b", number) for number, name in enumerate(names))
    either = "".join(rules(name, "b", 100 + number) for number, name in enumerate(names))
    requests = [
        one
        for number, name in enumerate(names)
        for start in (0, 100)
        for one in at_both(f"/{start + number}/value", (name, "a"), (name, "b"))
    ]
    found = meet(both + either, requests)
    assert [one.difference for one in found] == [""] * len(found)
    within = [one.version == "v1" for one in found if not one.expectation.request.gateway]
    joined = dict(zip(names, zip(within[::2], within[1::2], strict=True), strict=True))
    assert joined == {name: (False, True) if name in ("x-own", "cookie") else (True, False) for name in names}


def test_the_scheme_is_what_x_forwarded_proto_says_within_the_mesh(meet, at_both) -> None:
    http = """
  - match: [{scheme: {exact: https}, uri: {prefix: /pod}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /pod}}]
    route: [{destination: {host: web, subset: v2}}]
  - match: [{uri: {prefix: /go}}]
    redirect: {uri: /there}
  - match: [{uri: {prefix: /port}}]
    redirect: {uri: /there, derivePort: FROM_REQUEST_PORT}
"""
    sent = [(), *((("x-forwarded-proto", value),) for value in ("https", "HTTPS", "ftp", "https,http"))]
    found = meet(
        http, [one for path in ("/pod", "/go", "/port") for headers in sent for one in at_both(path, *headers)]
    )
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.version for one in found[:10:2]] == ["v2", "v1", "v1", "v2", "v2"]
    assert [one.version for one in found[1:10:2]] == ["v2"] * 5
    schemes = [(one.header("location") or "").partition(":")[0] for one in found[10::2]]
    assert schemes == ["http", "https", "https", "http", "http"] * 2


def test_conditions_on_values_that_the_proxy_draws_are_decided_where_all_values_agree(meet, at_both) -> None:
    http = """
  - match: [{uri: {prefix: /all}, headers: {x-request-id: {regex: '[0-9a-f-]{36}'}}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /none}, headers: {x-request-id: {prefix: no-id-}}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /some}, headers: {x-request-id: {prefix: a}}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /from}, headers: {x-forwarded-for: {prefix: '203.0.113.7,'}}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /address}, headers: {x-forwarded-for: {exact: 203.0.113.7}}}]
    route: [{destination: {host: web, subset: v1}}]
  - route: [{destination: {host: web, subset: v2}}]
"""
    requests = [one for path in ("/all", "/none", "/some") for one in at_both(path)]
    requests += [*at_both("/from", ("x-forwarded-for", "203.0.113.7")), *at_both("/address")]
    requests += at_both("/address", ("x-forwarded-for", "203.0.113.7"))
    found = meet(http, requests)
    decided = [one for one in found if not one.expectation.undecided]
    assert [one.difference for one in decided] == [""] * len(decided)
    versions = [one.version if not one.expectation.undecided else "?" for one in found]
    assert versions == ["v1", "v1", "v2", "v2", "?", "?", "v2", "v1", "v2", "?", "v1", "v2"]


def test_pseudo_headers_may_be_asked_for_as_headers(meet, at_both) -> None:
    conditions = {
        ":method": "{exact: PUT}",
        ":path": "{exact: '/1/x?q=1'}",
        ":authority": "{prefix: web.}",
        ":scheme": "{exact: http}",
        "host": "{exact: web.default.svc.cluster.local}",
    }
    http = "".join(
        f"""
  - match: [{{uri: {{prefix: /{number}/}}, headers: {{"{name}": {condition}}}}}]
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
        for number, (name, condition) in enumerate(conditions.items())
    )
    http += "  - route: [{destination: {host: web, subset: v2}}]\n"
    requests = [one for number in range(len(conditions)) for one in at_both(f"/{number}/x?q=1", method="PUT")]
    requests += [*at_both("/0/x"), *at_both("/1/y", method="PUT")]
    found = meet(http, requests)
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.version for one in found[::2]] == ["v1"] * 5 + ["v2"] * 2
