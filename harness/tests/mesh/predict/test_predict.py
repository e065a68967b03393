"""What must become of a request, straight from Istio's reference."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.errors import ManifestError
from meshproof.mesh.predict.prediction import predict, require_endpoints

CANARY = """
- match: [{headers: {end-user: {exact: jason}}}]
  route: [{destination: {host: greeter, subset: v2}}]
- route:
  - {destination: {host: greeter, subset: v1}, weight: 90}
  - {destination: {host: greeter, subset: v2}, weight: 10}
"""
HELLO = "http://greeter:5000/hello"
FRONT = """
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com, "*.example.org"]}
  - {port: {number: 81, name: redirecting, protocol: HTTP}, hosts: ["*"], tls: {httpsRedirect: true}}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example.com]
    tls: {mode: SIMPLE, credentialName: c}
"""


def shares(expectation) -> dict[str, Fraction]:
    return {arm.destination: arm.share for arm in expectation.arms}


def test_split_and_header(routed) -> None:
    mesh = routed(CANARY).mesh
    split = predict(mesh, parse(HELLO))
    assert shares(split) == {"greeter.default/v1": Fraction(9, 10), "greeter.default/v2": Fraction(1, 10)}
    assert split.arms[0].workloads == {"default/greeter-v1"}
    assert (split.independent, split.status, split.note) == (True, 0, "")
    assert shares(predict(mesh, parse(f"{HELLO} End-User:jason"))) == {"greeter.default/v2": 1}
    assert shares(predict(mesh, parse(f"{HELLO} end-user:jasons"))) == shares(split)
    assert split.route != predict(mesh, parse(f"{HELLO} end-user:jason")).route


@pytest.mark.parametrize(
    ("host", "namespace", "found"),
    [
        ("greeter", "default", True),
        ("GREETER", "default", True),
        ("greeter.default", "elsewhere", True),
        ("greeter.default.svc", "elsewhere", True),
        ("greeter.default.svc.cluster.local", "elsewhere", True),
        ("greeter.default.svc.cluster.local.", "elsewhere", True),
        ("greeter", "elsewhere", False),
        ("greeter.elsewhere", "default", False),
    ],
)
def test_names_that_a_client_may_use(routed, host: str, namespace: str, found: bool) -> None:
    expected = predict(routed(CANARY).mesh, parse(f"http://{host}:5000/"), source(namespace))
    assert bool(expected.arms) is found
    assert bool(expected.note) is not found


def test_without_virtual_service_the_service_answers(built) -> None:
    expected = predict(built().mesh, parse(HELLO))
    assert shares(expected) == {"greeter.default": 1}
    assert expected.arms[0].workloads == {"default/greeter-v1", "default/greeter-v2"}
    assert expected.route is None


def test_all_rules_missed_is_404(routed) -> None:
    mesh = routed("- match: [{uri: {exact: /a}}]\n  route: [{destination: {host: greeter}}]").mesh
    assert predict(mesh, parse("http://greeter:5000/b")).status == 404
    assert predict(mesh, parse("http://greeter:5000/a?x=1")).status == 0


@pytest.mark.parametrize(
    "condition",
    ["port: 81", "gateways: [front]", "sourceLabels: {app: other}", "sourceNamespace: other"],
)
def test_a_virtual_service_with_no_rule_for_the_client_leaves_the_service_alone(routed, condition: str) -> None:
    mesh = routed(f"- match: [{{{condition}}}]\n  redirect: {{uri: /moved}}", more=FRONT).mesh
    assert shares(predict(mesh, parse(HELLO))) == {"greeter.default": 1}


def test_the_clients_labels_and_namespace_count(routed) -> None:
    mesh = routed("- match: [{sourceLabels: {app: a}, sourceNamespace: x}]\n  directResponse: {status: 418}").mesh
    request = parse("http://greeter.default:5000/")
    assert predict(mesh, request, source("x", {"app": "a", "b": "c"})).status == 418
    assert predict(mesh, request, source("y", {"app": "a"})).status == 0
    assert predict(mesh, request, source("x")).status == 0


@pytest.mark.parametrize(
    ("condition", "hit", "missed"),
    [
        ("uri: {prefix: /status}", "/status /status/200 /statusfoo /status?q", "/statu /Status /x/status"),
        ("uri: {prefix: /status}, ignoreUriCase: true", "/STATUS/1", "/statu"),
        ("uri: {exact: /a}, ignoreUriCase: true", "/A", "/a/"),
        ("uri: {regex: '/v[0-9]+/.*'}", "/v12/x /v1/", "/v/x /v1 /xv1/"),
        ("uri: {regex: '/a|/b'}", "/a /b", "/ab /ax"),
        ("uri: {prefix: ''}", "/ /anything", ""),
        ("queryParams: {q: {exact: '1'}}", "/?q=1 /?x&q=1 /?q=1&q=2", "/ /?q=2 /?q=2&q=1 /?Q=1 /?q"),
        ("queryParams: {q: {}}", "/?q /?q=", "/ /?x=q"),
        ("authority: {exact: 'greeter:5000'}", "/", ""),
        ("authority: {exact: greeter}", "", "/"),
        ("scheme: {exact: http}", "/", ""),
        ("method: {exact: POST}", "", "/"),
        ("withoutHeaders: {x-a: {}}", "/", ""),
        ("headers: {x-a: {}}", "", "/"),
        ("headers: {x-a: {prefix: b}}", "", "/"),
        ("withoutHeaders: {x-a: {exact: b}}", "/", ""),
    ],
)
def test_conditions(routed, condition: str, hit: str, missed: str) -> None:
    mesh = routed(f"- match: [{{{condition}}}]\n  directResponse: {{status: 204}}").mesh
    for path in hit.split():
        assert predict(mesh, parse(f"http://greeter:5000{path}")).status == 204, path
    for path in missed.split():
        assert predict(mesh, parse(f"http://greeter:5000{path}")).status == 404, path


def test_header_conditions_see_each_value(routed) -> None:
    mesh = routed(
        "- match: [{headers: {x-a: {exact: c}}, withoutHeaders: {x-d: {prefix: e}}}]\n  directResponse: {status: 204}"
    ).mesh
    for headers, status in (
        ("x-a:b X-A:c", 204),
        ("x-a:c x-a:b x-d:f", 204),
        ("x-a:b,c", 404),
        ("x-a:c x-d:f x-d:ef", 404),
    ):
        assert predict(mesh, parse(f"http://greeter:5000/ {headers}")).status == status, headers


def test_same_destination_is_one_arm_and_zero_weights_stay(routed) -> None:
    arms = shares(
        predict(
            routed("""
- route:
  - {destination: {host: greeter, subset: v1}, weight: 1}
  - {destination: {host: greeter.default.svc.cluster.local, subset: v1, port: {number: 5000}}, weight: 2}
  - {destination: {host: greeter, subset: v2}, weight: 0}
""").mesh,
            parse(HELLO),
        )
    )
    assert arms == {"greeter.default/v1": 1, "greeter.default/v2": 0}


def test_entries_of_one_destination_that_change_headers_differently_expect_nothing_of_them(routed) -> None:
    route = """
- route:
  - {destination: {host: greeter}, weight: 50, headers: {request: {set: {x-a: "1"}}}}
  - {destination: {host: greeter}, weight: WEIGHT, headers: {request: {set: {x-a: "2"}}}}
  - {destination: {host: greeter, subset: v1}, weight: 50}
"""
    both = predict(routed(route.replace("WEIGHT", "50")).mesh, parse(HELLO)).arms
    assert [arm.share for arm in both] == [Fraction(2, 3), Fraction(1, 3)]
    assert both[0].request_headers.exact == ()
    one = predict(routed(route.replace("WEIGHT", "0")).mesh, parse(HELLO)).arms
    assert one[0].request_headers.exact == (("x-a", "1"),)


@pytest.mark.parametrize(
    ("destination", "note"),
    [
        ("{host: greeter, subset: v3}", "no DestinationRule defines the subset v3 of greeter.default"),
        ("{host: absent}", "no Service is called absent.default.svc.cluster.local"),
        ("{host: greeter, port: {number: 81}}", "greeter.default has no port 81"),
    ],
)
def test_destinations_that_cannot_answer_say_why(routed, destination: str, note: str) -> None:
    (arm,) = predict(routed(f"- route: [{{destination: {destination}}}]").mesh, parse(HELLO)).arms
    assert note in arm.note
    assert "503" in arm.note
    assert (arm.workloads, str(arm.location)) == (frozenset(), "<stdin>:42:13")


def test_a_service_of_that_name_elsewhere_may_have_been_meant(routed) -> None:
    (arm,) = predict(routed("- route: [{destination: {host: greeter.shop.svc.cluster.local}}]").mesh, parse(HELLO)).arms
    assert (
        arm.why
        == "no Service is called greeter.shop.svc.cluster.local: Envoy answers 503: did you mean greeter.default?"
    )


def test_require_endpoints(built) -> None:
    require_endpoints(built().mesh)
    lonely = "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {selector: {app: b}, ports: [{port: 1}]}\n"
    mesh = built(lonely).mesh
    with pytest.raises(ManifestError, match=r":36:1: no Deployment stands behind Service default/b\n.*app: b"):
        require_endpoints(mesh)
    assert "no pod" in predict(mesh, parse("http://b:1/")).arms[0].note


def test_named_target_ports_must_exist(built) -> None:
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"
        "spec: {selector: {app: greeter}, ports: [{port: 1, targetPort: web}]}\n"
    )
    assert "container port" in predict(built(service).mesh, parse("http://b:1/")).arms[0].note


def test_tcp_ports_are_not_independent(built) -> None:
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"
        "spec: {selector: {app: greeter}, ports: [{port: 1, name: tcp}]}\n"
    )
    expected = predict(built(service).mesh, parse("http://b:1/"))
    assert not expected.independent
    assert "tcp" in expected.dependence


def test_gateway_hosts_and_ports(routed) -> None:
    mesh = routed(
        "- match: [{uri: {prefix: /status}}]\n  route: [{destination: {host: greeter}}]",
        head='hosts: [shop.example.com, "*.example.org"]\n  gateways: [front]',
        more=FRONT,
    ).mesh

    def status(url: str) -> int | str:
        expected = predict(mesh, parse(url, gateway="default/front"))
        return expected.note if not expected.status and not expected.arms else expected.status

    assert status("http://shop.example.com/status") == 0
    assert status("http://SHOP.example.com/statusfoo") == 0
    assert status("http://a.b.example.org/status") == 0
    assert status("http://example.org/status") == 404
    assert status("http://other.example.com/status") == 404
    assert status("http://shop.example.com/headers") == 404
    assert status("https://shop.example.com/status") == 0
    assert "certificate" in str(status("https://a.example.org/status"))
    assert "listens on port 82" in str(status("http://shop.example.com:82/"))
    assert "speaks HTTPS" in str(status("http://shop.example.com:443/"))
    moved = predict(mesh, parse("http://shop.example.com:81/status?a", gateway="default/front"))
    assert (moved.status, moved.redirect.target) == (301, "https://shop.example.com:81/status?a")
    # A rule for the gateway leaves the mesh alone.
    assert predict(mesh, parse(HELLO)).route is None


def test_gateway_merges_virtual_services_of_a_host_catch_all_last(routed) -> None:
    second = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: second}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http:
  - match: [{uri: {prefix: /b}}]
    directResponse: {status: 201}
"""
    mesh = routed(
        "- directResponse: {status: 200}", head="hosts: [shop.example.com]\n  gateways: [front]", more=second + FRONT
    ).mesh
    assert predict(mesh, parse("http://shop.example.com/b", gateway="default/front")).status == 201
    assert predict(mesh, parse("http://shop.example.com/c", gateway="default/front")).status == 200


def test_the_most_specific_host_of_a_gateway_decides(routed) -> None:
    second = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: second}
spec:
  hosts: ["a.example.org", "*.b.example.org"]
  gateways: [front]
  http: [{directResponse: {status: 201}}]
"""
    head = "hosts: ['*.example.org']\n  gateways: [front]"
    mesh = routed("- directResponse: {status: 200}", head=head, more=second + FRONT).mesh
    for host, status in (("a", 201), ("c", 200), ("x.b", 201), ("x.c", 200)):
        assert predict(mesh, parse(f"http://{host}.example.org/", gateway="default/front")).status == status


def test_a_deployment_without_replicas_does_not_answer(built) -> None:
    text = """\
apiVersion: v1
kind: Service
metadata: {name: idle}
spec: {selector: {app: idle}, ports: [{port: 1}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle}
spec:
  replicas: 0
  selector: {matchLabels: {app: idle}}
  template: {metadata: {labels: {app: idle}}, spec: {containers: [{name: c, image: i}]}}
"""
    (arm,) = predict(built(text).mesh, parse("http://idle:1/")).arms
    assert (arm.workloads, arm.note) == (frozenset(), "no pod stands behind idle.default: Envoy answers 503")
