"""Which rule takes a request, and the first condition that each rule before it lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshproof.border.request import Request, parse
from meshproof.errors import Location
from meshproof.explain.misses import worded
from meshproof.explain.render.text import text
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch
from meshproof.mesh.predict.match import meets, missed
from meshproof.mesh.predict.proxy.seen import seen

HEAD = (
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec:\n  hosts: [reviews]\n"
)
REST = "  - route: [{destination: {host: reviews}}]\n"


def rule(match: str) -> str:
    return f"{HEAD}  http:\n  - match:\n    - {match}\n    directResponse: {{status: 418}}\n{REST}"


@pytest.mark.parametrize(
    ("match", "request_", "why"),
    [
        ("uri: {exact: /y}", "http://reviews:9080/x", "uri must be exactly '/y', and is '/x'"),
        ("uri: {prefix: /y}", "http://reviews:9080/x?a=/y", "uri must begin with '/y', and is '/x'"),
        ("uri: {regex: '/y+'}", "http://reviews:9080/", "uri must match /y+ as a whole, and is '/'"),
        ("method: {exact: POST}", "http://reviews:9080/", "method must be exactly 'POST', and is 'GET'"),
        ("scheme: {exact: https}", "http://reviews:9080/", "scheme must be exactly 'https', and is 'http'"),
        ("authority: {exact: a}", "http://reviews:9080/", "authority must be exactly 'a', and is 'reviews:9080'"),
        ("headers: {a: {exact: b}}", "http://reviews:9080/", "headers a must be exactly 'b', and there is none"),
        ("headers: {a: {exact: b}}", "http://reviews:9080/ a:c", "headers a must be exactly 'b', and is 'c'"),
        ("headers: {a: {}}", "http://reviews:9080/", "headers a must be present, and there is none"),
        (
            "queryParams: {a: {exact: b}}",
            "http://reviews:9080/?b",
            "queryParams a must be exactly 'b', and there is none",
        ),
        ("queryParams: {a: {exact: b}}", "http://reviews:9080/?a=1", "queryParams a must be exactly 'b', and is '1'"),
        (
            "withoutHeaders: {a: {regex: b+}}",
            "http://reviews:9080/ a:b",
            "withoutHeaders a must not match b+ as a whole, and is 'b'",
        ),
        ("withoutHeaders: {a: {}}", "http://reviews:9080/ a:1", "withoutHeaders a must not be present, and is '1'"),
        (
            "headers: {x-request-id: {prefix: a}, zz: {exact: b}}",
            "http://reviews:9080/",
            "headers zz must be exactly 'b', and there is none",
        ),
        ("port: 9081", "http://reviews:9080/", "port must be 9081, and is '9080'"),
        ("sourceNamespace: prod", "http://reviews:9080/", "sourceNamespace must be prod, and is 'default'"),
        ("sourceLabels: {a: b}", "http://reviews:9080/", "sourceLabels a must be b, and there is none"),
    ],
)
def test_the_first_condition_that_fails_is_named_with_what_was_found(
    explained, match: str, request_: str, why: str
) -> None:
    first, last = explained(rule(match), request_).entries
    assert first.outcome in ("missed", "not for")
    assert worded(first.miss) == why
    assert first.miss.location.line == 8
    assert (last.outcome, last.rule.line) == ("taken", 10)


def test_what_comes_after_the_rule_that_takes_it_is_not_tried_and_after_one_for_all_never_is(explained) -> None:
    never = "  - match: [{uri: {exact: /x}}]\n    directResponse: {status: 418}\n"
    found = explained(rule("uri: {exact: /x}") + never)
    assert [one.outcome for one in found.entries] == ["taken", "after", "shadowed"]
    assert found.entries[2].by.line == 10


def test_a_condition_on_a_value_that_a_proxy_draws_is_unknown(explained) -> None:
    found = explained(rule("headers: {x-request-id: {prefix: a}}"))
    assert [one.outcome for one in found.entries] == ["unknown", "after"]
    assert "nobody can tell" in worded(found.entries[0].miss)
    assert found.unmodelled[0].what == "VirtualService default/reviews"


def test_of_a_delegate_the_rule_of_its_own_object_takes_it_and_a_lacking_one_is_told(explained) -> None:
    more = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: part}\nspec:\n  http:\n"
    root = f"{HEAD}  http:\n  - match: [{{uri: {{prefix: /}}}}]\n    delegate: {{name: NAME}}\n"
    found = explained(f"{root.replace('NAME', 'part')}{more}{REST}")
    (taken,) = found.entries
    assert (taken.owner, taken.outcome) == ("VirtualService default/part", "taken")
    assert taken.delegated_by == "VirtualService default/reviews"
    lines = list(text(found, str))
    at = next(number for number, one in enumerate(lines) if one.startswith("   1. takes it"))
    assert lines[at + 1 : at + 3] == [
        "          delegated to VirtualService default/part",
        f"              {taken.rule}  | {taken.rule}",
    ]
    found = explained(f"{root.replace('NAME', 'gone')}{REST}")
    assert [one.outcome for one in found.entries] == ["missed", "taken"]
    assert "default/gone is unknown or refused" in found.entries[0].why


def test_connections_have_their_rules(explained) -> None:
    tcp = (
        SERVICE_TCP
        + HEAD.replace("reviews", "db")
        + (
            "  tcp:\n  - match: [{sourceLabels: {a: b}}]\n    route: [{destination: {host: db}}]\n"
            "  - match: [{port: 5432}]\n    route: [{destination: {host: db}}]\n"
        )
    )
    found = explained(tcp, "tcp://db:5432", bare=True)
    assert [one.outcome for one in found.entries] == ["not for", "taken"]
    assert worded(found.entries[0].miss) == "sourceLabels a must be b, and there is none"


GATEWAY_TLS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: tls, protocol: TLS}, hosts: ["*.a.org"], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: names}
spec:
  hosts: ["*.a.org"]
  gateways: [edge]
  tls:
  - {match: [{sniHosts: [x.a.org], gateways: [mesh]}, {sniHosts: [y.a.org]}], route: [{destination: {host: db}}]}
  - {match: [{sniHosts: [x.a.org], sourceLabels: {a: b}}], route: [{destination: {host: db}}]}
  - {match: [{sniHosts: ["*.a.org"]}], route: [{destination: {host: db}}]}
---
"""


def test_connections_at_a_gateway_have_theirs_by_the_names_in_handshakes(explained) -> None:
    found = explained(SERVICE_TCP + GATEWAY_TLS, "tls://x.a.org:443", bare=True)
    assert [one.outcome for one in found.entries] == ["not for", "missed", "taken", "after"]
    assert worded(found.entries[1].miss) == "sniHosts must be y.a.org, and is 'x.a.org'"
    assert [one.what for one in found.way][:2] == ["Gateway default/edge", "server tls port 443 TLS"]
    other = explained(SERVICE_TCP + GATEWAY_TLS, "https://x.a.org/", bare=True)
    assert ("not read", "ask for tls://x.a.org:443") in [(one.what, one.says.rpartition(": ")[2]) for one in other.way]


SERVICE_TCP = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{name: tcp, port: 5432}]}
---
"""

PLACE = Location("test", 1, 1)
VALUES = st.sampled_from(["a", "ab", "A", "/", "/a", "a?b"])
CONDITIONS = st.builds(StringMatch, st.sampled_from(MatchKind), VALUES, st.just(PLACE))
NAMED = st.lists(st.tuples(st.sampled_from(["x", "y", "x-request-id"]), CONDITIONS), max_size=2).map(tuple)
MATCHES = st.builds(
    RouteMatch,
    st.just(PLACE),
    uri=st.none() | CONDITIONS,
    ignore_uri_case=st.booleans(),
    method=st.none() | CONDITIONS,
    headers=NAMED,
    without_headers=NAMED,
    query_params=NAMED,
)


@given(MATCHES, st.sampled_from(["/", "/a", "/A?x=a&y", "/ab?x-request-id=a"]), st.lists(st.tuples(VALUES, VALUES)))
def test_a_condition_is_named_where_and_only_where_the_prediction_finds_one(
    match: RouteMatch, path: str, pairs: list[tuple[str, str]]
) -> None:
    headers = tuple((name, value) for name, value in pairs if name in ("a", "ab"))
    request: Request = parse(f"GET http://reviews:9080{path} x:a " + " ".join(f"{n}:{v}" for n, v in headers))
    looked = seen(request, path)
    met, miss = meets(match, looked), missed(match, looked)
    assert (met is True) == (miss is None)
    if miss:
        assert miss.known == (met is False)
