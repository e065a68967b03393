"""The table of probes: what lies inside each rule, and what just outside."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, Tls
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.selection import Selection

FRONT = """
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.example.org", shop.example.com]}
"""
BOUND = "hosts: [shop.example.com]\n  gateways: [front]"


def asked(built, **told: object) -> dict[str, Request]:
    """The probes by what they say, without the gateway's name."""
    found = probes(built.mesh, **told)  # type: ignore[arg-type]
    requests = found.requests
    assert not found.left_out
    assert len(set(requests)) == len(requests)
    return {str(one).replace(" (by gateway default/front)", ""): one for one in requests}


def opened(built, requests: dict[str, Request]) -> set[str]:
    return {text for text, one in requests.items() if predict(built.mesh, one).arms}


def test_the_borders_of_a_prefix(routed) -> None:
    built = routed(
        "- match: [{uri: {prefix: /status}}]\n  route: [{destination: {host: greeter}}]", head=BOUND, more=FRONT
    )
    requests = asked(built)
    site = "GET http://shop.example.com"
    inside = ["/status", "/statusx", "/status/", "/status/x", "/x/../status", "/statu%73", "/status?extra=1"]
    outside = ["/statu", "/STATUS", "/x/status", "//status", "/%2fstatus", "/", "/hello"]
    assert {f"{site}{path}" for path in inside + outside} <= requests.keys()
    assert {f"{site}{path}" for path in inside} <= opened(built, requests)
    assert not {f"{site}{path}" for path in outside} & opened(built, requests)


def test_the_borders_of_exact_and_regex_paths(routed) -> None:
    built = routed(
        "- match: [{uri: {exact: /a/b}}, {uri: {regex: '/n/[0-9]{2}'}}]\n  route: [{destination: {host: greeter}}]",
        head=BOUND,
        more=FRONT,
    )
    requests, site = asked(built), "GET http://shop.example.com"
    others = ["/a/bx", "/a/", "/A/B", "/a/b/", "/a/b/x", "/x/a/b", "//a/b", "/a%2Fb", "/n/0", "/n/00x", "/n/00/"]
    assert {f"{site}{path}" for path in [*others, "/a/b", "/a/%62", "/n/00", "/n/0%30"]} <= requests.keys()
    assert not {f"{site}{path}" for path in others} & opened(built, requests)
    assert {f"{site}{path}" for path in ("/a/b", "/a/%62", "/n/00", "/n/0%30")} <= opened(built, requests)


def test_the_borders_of_headers_parameters_and_methods(routed) -> None:
    built = routed(
        """
- match:
  - headers: {end-user: {exact: jason}, x-any: {}}
    withoutHeaders: {x-not: {exact: "1"}}
    queryParams: {v: {exact: "2"}}
    method: {exact: PUT}
  route: [{destination: {host: greeter}}]
""",
        head=BOUND,
        more=FRONT,
    )
    requests, base = asked(built), "http://shop.example.com/hello?v=2"
    assert {
        f"PUT {base} end-user:jason x-any:a",
        f"PUT {base} x-any:a",
        f"PUT {base} end-user:jason",
        f"PUT {base} x-any:a end-user:jasonx",
        f"PUT {base} x-any:a end-user:jaso",
        f"PUT {base} x-any:a end-user:JASON",
        f"PUT {base} end-user:jason x-any:a x-not:1",
        f"PUT {base} end-user:jason x-any:a x-not:1x",
        "PUT http://shop.example.com/hello end-user:jason x-any:a",
        f"PUT {base}x end-user:jason x-any:a",
        "PUT http://shop.example.com/hello?V=2 end-user:jason x-any:a",
        f"GET {base} end-user:jason x-any:a",
        f"POST {base} end-user:jason x-any:a",
    } <= requests.keys()
    assert f"PUT {base} end-user:jason x-any:a x-not:1" not in opened(built, requests)
    assert f"PUT {base} end-user:jason x-any:a x-not:1x" in opened(built, requests)


def test_the_borders_of_hosts(routed) -> None:
    built = routed(
        "- route: [{destination: {host: greeter}}]", head="hosts: ['*.example.org']\n  gateways: [front]", more=FRONT
    )
    requests = asked(built)
    covered = ["www.example.org", "WWW.EXAMPLE.ORG", "xwww.example.org", "more.www.example.org"]
    beside = ["example.org", "xexample.org", "www.example.orgx", "www.example.or", "other.org"]
    named = {f"GET http://{host}/hello" for host in covered + beside}
    named |= {f"GET http://www.example.org/hello host:{name}" for name in ("www.example.org:80", "www.example.org:81")}
    closed = {f"GET http://www.example.org/hello host:{name}" for name in ("www.example.org.", "other.meshproof")}
    assert named | closed <= requests.keys()
    assert not (closed | {f"GET http://{host}/hello" for host in beside}) & opened(built, requests)
    assert {f"GET http://{host}/hello" for host in covered} <= opened(built, requests)


def test_other_servers_and_gateways_are_asked_too(routed) -> None:
    more = FRONT + "  - {port: {number: 81, name: more, protocol: HTTP}, hosts: [other.example.com]}\n"
    more += FRONT.replace("name: front", "name: back").replace("ingressgateway", "back")
    built = routed("- route: [{destination: {host: greeter}}]", head=BOUND, more=more)
    requests = asked(built)
    elsewhere = {
        "GET http://shop.example.com:81/hello",
        "GET http://shop.example.com/hello (by gateway default/back)",
        "GET https://shop.example.com:80/hello",
    }
    assert elsewhere <= requests.keys()
    assert not elsewhere & opened(built, requests)


def test_many_gateways_cost_each_other_nothing(built) -> None:
    bound = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http: [{route: [{destination: {host: greeter}}]}]
"""

    def count(gateways: int) -> int:
        parts = [FRONT + bound for _ in range(gateways)]
        text = "".join(
            part.replace("front", f"front{number}")
            .replace("istio:", f"istio{number % 2}:")
            .replace("shop", f"shop{number}")
            for number, part in enumerate(parts)
        )
        return len(probes(built(text).mesh, most=None).requests)

    assert count(40) == pytest.approx(4 * count(10), rel=0.1)


def test_a_rule_for_the_mesh_alone_is_tried_at_the_gateway(routed) -> None:
    built = routed(
        "- match: [{uri: {prefix: /in}, gateways: [mesh]}]\n  route: [{destination: {host: greeter}}]",
        head="hosts: [greeter, shop.example.com]\n  gateways: [front, mesh]",
        more=FRONT,
    )
    requests = probes(built.mesh).requests
    by_gateway = {one.path: predict(built.mesh, one).status for one in requests if one.gateway}
    within = {one.path: predict(built.mesh, one).status for one in requests if one.host == "greeter"}
    assert by_gateway["/in"] == 404
    assert (within["/in"], within["/inx"], within["/i"]) == (0, 0, 404)


def test_changed_headers_and_origins(routed) -> None:
    built = routed(
        """
- headers: {request: {set: {x-a: "1", host: h}, remove: [x-b]}}
  corsPolicy: {allowOrigins: [{exact: "http://ok"}]}
  route: [{destination: {host: greeter}, headers: {request: {add: {x-c: "1"}}}}]
""",
        head=BOUND,
        more=FRONT,
    )
    base = "http://shop.example.com/hello"
    assert {
        f"GET {base} x-a:meshproof x-b:meshproof x-c:meshproof",
        f"OPTIONS {base} origin:http://ok access-control-request-method:GET",
        f"OPTIONS {base} origin:http://okx access-control-request-method:GET",
        f"OPTIONS {base} origin:http://ok",
        f"OPTIONS {base} access-control-request-method:GET",
        f"GET {base} origin:http://ok",
    } <= asked(built).keys()


def test_answers_with_changed_headers_are_asked_of_the_workload(routed) -> None:
    built = routed(
        """
- headers: {response: {set: {x-a: "1", content-type: b}, remove: [x-b, x-envoy-c]}}
  route: [{destination: {host: greeter}, headers: {response: {add: {x-c: "1"}}}}]
""",
        head=BOUND,
        more=FRONT,
    )
    (request,) = [one for one in asked(built).values() if "x-meshproof-answer" in dict(one.headers)]
    assert request.headers == (("x-meshproof-answer", "200 0 0 x-a,x-b,x-c"),)
    (arm,) = predict(built.mesh, request).arms
    assert dict(arm.response_headers.exact) == {"x-a": "1", "content-type": "b"}
    assert set(arm.response_headers.absent) >= {"x-b"}


def test_other_values_that_a_condition_takes_are_sent_too(routed) -> None:
    built = routed(
        """
- match:
  - uri: {regex: "/(red|blue)/[0-9]+"}
    headers: {x-any: {}, x-some: {prefix: be}}
    withoutHeaders: {x-not: {prefix: "1"}}
    queryParams: {v: {regex: "[0-9]{2}|none"}}
  route: [{destination: {host: greeter}}]
""",
        head=BOUND,
        more=FRONT,
    )
    requests = asked(built)
    inside = opened(built, requests)
    values = {
        name: {dict(requests[text].headers).get(name) for text in inside} for name in ("x-any", "x-some", "x-not")
    }
    assert values["x-any"] >= {"a", "ax"}
    assert values["x-some"] >= {"be", "be/a", "bea", "bex"}
    assert values["x-not"] >= {None, "x1"}
    paths = {requests[text].path.partition("?")[0] for text in inside}
    assert {path.split("/")[1] for path in paths if path.count("/") == 2} >= {"red", "blue"}
    assert {requests[text].path.partition("?v=")[2] for text in inside} >= {"00", "none"}
    refused = {dict(requests[text].headers).get("x-not") for text in requests.keys() - inside}
    assert {"1", "1x", "1/a"} <= refused


def test_the_borders_of_an_authority(routed) -> None:
    built = routed(
        "- match: [{authority: {prefix: shop.example.com}}]\n  route: [{destination: {host: greeter}}]",
        head="hosts: ['*.example.com']\n  gateways: [front]",
        more=FRONT.replace("shop.example.com]", "'*.example.com']"),
    )
    requests = asked(built)
    named = {dict(one.headers).get("host") for one in requests.values()}
    assert {"shop.example.co", "SHOP.EXAMPLE.COM", "xshop.example.com", "shop.example.comx"} <= named
    assert {dict(requests[text].headers).get("host") for text in opened(built, requests)} >= {"shop.example.com:80"}


def test_servers_that_send_to_https_without_any_rule(built) -> None:
    text = FRONT.replace("shop.example.com]", "shop.example.com], tls: {httpsRedirect: true}")
    requests, mesh = asked(built(text)), built(text).mesh
    for one in ("GET http://shop.example.com/x?y=1", "POST http://www.example.org/"):
        assert predict(mesh, requests[one]).redirect
    assert predict(mesh, requests["GET http://example.com/x?y=1"]).status == 404


def test_gateways_of_the_same_pods_are_one_listener(routed) -> None:
    """What another one of them would answer is asked already; each of other pods is asked, too."""
    rules = "- route: [{destination: {host: greeter}}]\n"
    beside = [FRONT.replace("front", f"beside-{n}").replace("shop.", f"shop-{n}.") for n in range(4)]
    apart = [one.replace("istio: ", f"istio: {n}-") for n, one in enumerate(beside)]
    one, *others = (
        len(asked(routed(rules, head=BOUND, more="".join((FRONT, *several)))))
        for several in (beside[:1], beside, apart[:1], apart)
    )
    assert others == [one, one, one + 3]


def test_more_than_can_be_sent_is_cut_evenly_and_counted_by_rule(routed) -> None:
    count = 200
    rules = "".join(
        f"- match: [{{uri: {{exact: /{n}}}}}]\n  route: [{{destination: {{host: greeter}}}}]\n" for n in range(count)
    )
    built = routed(rules, head=BOUND, more=FRONT)
    most = 2000
    found, whole = probes(built.mesh, most=most), probes(built.mesh)
    assert len(found.requests) == len(set(found.requests)) == most
    assert {f"/{n}" for n in range(count)} <= {one.path for one in found.requests}
    assert sum(number for _, number in found.left_out) == len(whole.requests) - most > 0
    (service,) = built.mesh.virtual_services
    places = {place for place, _ in found.left_out}
    assert places <= {service.location, *(route.location for route in service.http)}
    assert set(found.requests) < set(whole.requests)
    assert not whole.left_out
    assert probes(built.mesh, most=most) == found


@pytest.mark.parametrize("tls", [None, Tls("ca.pem", "cert.pem", "key.pem")])
def test_nothing_to_probe(built, tls: Tls | None) -> None:
    assert probes(built().mesh, tls=tls) == Selection(())
