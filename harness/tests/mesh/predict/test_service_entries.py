"""What becomes of requests to hosts that ServiceEntries bring in."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

ENTRY = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: NAMESPACE}
spec:
  hosts: [HOST]
  ports: [{number: 80, name: NAME, protocol: HTTP}]
  resolution: RESOLUTION
---
"""
WEB = "web.default.svc.cluster.local"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
"""
OUT = "out.example.com"


def entry(host: str = OUT, *more: str, namespace: str = "default", name: str = "http", resolution: str = "DNS") -> str:
    text = ENTRY.replace("NAMESPACE", namespace).replace("HOST", host).replace("NAME", name)
    text = text.replace("RESOLUTION", resolution)
    return text.replace("---\n", "".join(f"  {one}\n" for one in more) + "---\n")


def routed(hosts: str, http: str) -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        f"spec:\n  hosts: [{hosts}]\n  http: [{http}]\n---\n"
    )


@pytest.fixture
def asked(built):
    def ask(text: str, request: str = f"GET http://{OUT}/", namespace: str = "default"):
        return predict(built(text, proxyless=True).mesh, parse(request), source(namespace))

    return ask


def behind(expected) -> list[frozenset[str]]:
    return [one.workloads for one in expected.arms]


def test_the_host_itself_answers(asked) -> None:
    expected = asked(entry())
    assert [(one.destination, one.host, one.port) for one in expected.arms] == [(OUT, OUT, 80)]
    assert behind(expected) == [frozenset({f"default/{OUT}"})]


@pytest.mark.parametrize(
    ("url", "status", "refused"),
    [
        (f"http://{OUT}./", 0, ""),
        (f"http://{OUT.upper()}/", 0, ""),
        ("http://out.example/", 502, ""),
        (f"http://{OUT}.default/", 502, ""),
        (f"http://{OUT}:81/", 0, "connection"),
    ],
)
def test_it_has_no_other_names_and_ports(asked, url: str, status: int, refused: str) -> None:
    expected = asked(entry(), f"GET {url}")
    assert (expected.status, expected.refused) == (status, refused)


def test_rules_lead_to_it_and_stand_for_it(asked) -> None:
    to = f"route: [{{destination: {{host: {OUT}}}}}]"
    assert behind(asked(entry() + SERVICE + routed("web", f"{{{to}}}"), f"GET http://{WEB}/")) == [{f"default/{OUT}"}]
    redirected = asked(entry() + routed(OUT, "{redirect: {uri: /moved}}"))
    assert redirected.redirect.target == f"http://{OUT}/moved"


def test_without_endpoints_nobody_answers(asked) -> None:
    (arm,) = asked(entry(resolution="STATIC")).arms
    assert (arm.workloads, arm.status) == (frozenset(), 503)
    assert arm.note == f"no pod stands behind {OUT}: Envoy answers 503"


def test_subsets_are_found_by_the_labels_of_endpoints(asked) -> None:
    endpoints = "endpoints: [{address: 10.0.0.1, labels: {v: a}}, {address: 10.0.0.2, labels: {v: b}}]"
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
        f"spec: {{host: {OUT}, subsets: [{{name: b, labels: {{v: b}}}}]}}\n---\n"
    )
    to = f"{{route: [{{destination: {{host: {OUT}, subset: SUBSET}}}}]}}"
    text = entry(OUT, endpoints, resolution="STATIC") + rule
    assert behind(asked(text)) == [{f"default/{OUT}-1", f"default/{OUT}-2"}]
    assert behind(asked(text + routed(OUT, to.replace("SUBSET", "b")))) == [{f"default/{OUT}-2"}]
    assert asked(text + routed(OUT, to.replace("SUBSET", "c"))).arms[0].status == 503


@pytest.mark.parametrize(("to", "seen"), [("*", "default shop"), (".", "shop"), ("default", "default"), ("x", "")])
def test_it_is_seen_where_it_is_exported_to(asked, to: str, seen: str) -> None:
    text = entry(OUT, f"exportTo: ['{to}']", namespace="shop") + SERVICE
    answered = [one for one in ("default", "shop") if asked(text, namespace=one).arms]
    assert answered == seen.split()


ENDPOINT = "endpoints: [{address: 10.9.9.9}]"


@pytest.mark.parametrize(
    ("namespace", "name", "client", "pods"),
    [
        ("default", "http", "default", {"default/web", f"default/{WEB}"}),
        ("default", "http-ext", "default", {"default/web"}),
        ("shop", "http", "default", {"default/web"}),
        ("shop", "http", "shop", {f"shop/{WEB}"}),
        ("shop", "http", "third", {"default/web"}),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_beside_a_service_of_the_same_host(
    asked, namespace: str, name: str, client: str, pods: set[str], first: bool
) -> None:
    own = entry(WEB, ENDPOINT, namespace=namespace, name=name, resolution="STATIC")
    text = own + SERVICE if first else SERVICE + own
    assert behind(asked(text, f"GET http://{WEB}/", client)) == [pods]


@pytest.mark.parametrize("name", ["web", "web.default", "web.default.svc"])
def test_a_name_in_full_comes_before_one_that_is_short_for_a_service(asked, name: str) -> None:
    own = entry(name, ENDPOINT, resolution="STATIC")
    elsewhere = own.replace("number: 80", "number: 81")
    several = (asked(one + SERVICE, f"GET http://{name}/") for one in (own, elsewhere))
    assert [one.arms[0].host for one in several] == [name, WEB]


def test_it_is_asked_within_the_mesh_even_where_a_gateway_is_for_every_host(built) -> None:
    gateway = (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {selector: {a: b}, "
        "servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}\n---\n"
    )
    mesh = built(entry() + gateway, proxyless=True).mesh
    assert entering(mesh, parse(f"GET http://{OUT}/")).gateway == ""
    assert entering(mesh, parse("GET http://other.example/")).gateway == "default/edge"


def test_samples_ask_for_the_host(built) -> None:
    requests, _ = sample_requests(built(entry(), proxyless=True).mesh)
    assert [str(one) for one in requests] == [f"GET http://{OUT}/"]
    text = entry() + routed(OUT, f"{{route: [{{destination: {{host: {OUT}}}}}]}}")
    requests, _ = sample_requests(built(text, proxyless=True).mesh)
    assert [str(one) for one in requests] == [f"GET http://{OUT}/"]


def test_why_nobody_answers(built) -> None:
    mesh = built(entry(OUT, "exportTo: ['.']", namespace="shop") + SERVICE, proxyless=True).mesh
    expected = predict(mesh, parse(f"GET http://{OUT}/"))
    assert why_unanswered(mesh, expected, "default").endswith(f"{OUT} is not exported to default")


def test_a_host_is_asked_by_its_address_too(asked, built) -> None:
    text = entry(OUT, "addresses: [10.1.1.1]") + routed(OUT, "{redirect: {uri: /new}}")
    by_address = parse("GET http://10.1.1.1/")
    assert asked(text, "GET http://10.1.1.1/").redirect.target == "http://10.1.1.1/new"
    assert asked(text, "GET http://other.example.com/ host:10.1.1.1").redirect
    assert not asked(text, "GET http://10.1.1.2/").redirect
    mesh = built(text, proxyless=True).mesh
    assert why_unanswered(mesh, predict(mesh, by_address), "default") == ""
    assert predict(reachable(mesh, [by_address], "default"), by_address) == predict(mesh, by_address)


def test_connections_to_the_address_of_a_host_are_its(asked) -> None:
    ports = "ports: [{number: 9000, name: tcp, protocol: TCP}]"
    text = entry(OUT, "addresses: [10.1.1.1]").replace("ports: [{number: 80, name: http, protocol: HTTP}]", ports)
    assert [one.host for one in asked(text, "tcp://10.1.1.1:9000").arms] == [OUT]
    assert asked(text, "tcp://10.1.1.2:9000").refused == "connection"
