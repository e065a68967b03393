"""Where the address that a request is sent to decides, not its Host header: unnamed ports, headless Services."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.expectation import Upstream
from meshproof.border.request import parse
from meshproof.envoy.names import listener_name, tcp_listener_name
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered

SITE = """---
apiVersion: v1
kind: Service
metadata: {name: unnamed}
spec: {selector: {app: greeter}, ports: [{port: 7000, targetPort: 5000}]}
---
apiVersion: v1
kind: Service
metadata: {name: heads}
spec:
  clusterIP: None
  selector: {app: db}
  ports: [{name: http, port: 5000}, {name: http-more, port: 7000, targetPort: 5000}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: heads
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: example/db, ports: [{containerPort: 5000}]}]}
"""
ROUTED = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [unnamed, site.example.com]
  http: [{directResponse: {status: 418}}]
"""


def led_to(mesh, text: str) -> str:
    found = predict(mesh, parse(text))
    return found.refused or str(found.status or "+".join(one.destination for one in found.arms))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://unnamed:7000/", "unnamed.default"),
        ("http://unnamed:7000/ host:other.example.com", "unnamed.default"),
        ("http://unnamed:7000/ host:heads", "unnamed.default"),
        ("http://heads:7000/ host:unnamed", "unnamed.default"),
        ("http://greeter:5000/ host:other.example.com", "502"),
    ],
)
def test_a_port_that_names_no_protocol_has_a_listener_at_the_address_of_its_service(built, text, expected) -> None:
    assert led_to(built(SITE).mesh, text) == expected


def test_nothing_listens_elsewhere_on_the_port_of_a_service_that_has_its_own_listener(built) -> None:
    alone = built(SITE.replace("{name: http-more, port: 7000, targetPort: 5000}", "") + ROUTED).mesh
    assert led_to(alone, "http://site.example.com:7000/") == "connection"
    assert led_to(alone, "http://unnamed:7000/ host:whatever") == "418"
    assert led_to(built(SITE + ROUTED).mesh, "http://heads:7000/ host:unnamed") == "418"
    assert led_to(built(SITE + ROUTED).mesh, "http://heads:7000/ host:site.example.com") == "418"


@pytest.mark.parametrize("name", ["db-0.heads", "db-1.heads.default", "db-0.heads.default.svc.cluster.local"])
def test_the_pods_of_a_headless_service_have_names_below_its_own(built, name: str) -> None:
    mesh = built(SITE).mesh
    assert led_to(mesh, f"http://{name}:5000/") == "heads.default"
    assert led_to(mesh, f"http://heads:5000/ host:{name}") == "heads.default"
    found = predict(mesh, parse(f"http://{name}:5000/"))
    assert not undecided(mesh, found)
    assert not why_unanswered(mesh, found, "default")


def test_a_pod_that_is_not_there_answers_nothing(built) -> None:
    mesh = built(SITE).mesh
    found = predict(mesh, parse("http://db-2.heads:5000/"))
    assert "is called db-2" in why_unanswered(mesh, found, "default")


def test_who_names_a_headless_service_at_another_address_is_led_to_that_address(built) -> None:
    mesh = built(SITE).mesh
    (found,) = undecided(mesh, predict(mesh, parse("http://greeter:5000/ host:heads")))
    assert "passes requests on to the address" in found.why
    assert found.location.line == mesh.service("heads.default.svc.cluster.local").location.line


def test_which_of_several_workloads_a_pods_name_means_is_not_told(built) -> None:
    mesh = built(SITE + SITE[SITE.index("---\napiVersion: apps/v1") :].replace("name: db}", "name: dc}")).mesh
    assert not undecided(mesh, predict(mesh, parse("http://heads:5000/")))
    assert undecided(mesh, predict(mesh, parse("http://db-0.heads:5000/")))


OUT = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec:
  hosts: [out.example.com]
  ADDRESSES
  ports: [{number: 7000, name: any}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.1}]
"""


@pytest.mark.parametrize(
    ("addresses", "own"),
    [
        ("addresses: []", False),
        ("addresses: [198.51.100.1]", True),
        ("addresses: [198.51.100.1/32]", True),
        ("addresses: [198.51.100.0/24]", False),
    ],
)
def test_a_host_outside_has_its_own_listener_for_what_its_port_does_not_say_where_it_has_an_address(
    built, addresses: str, own: bool
) -> None:
    mesh = built(OUT.replace("ADDRESSES", addresses)).mesh
    assert led_to(mesh, "http://out.example.com:7000/") == "out.example.com"
    assert led_to(mesh, "http://out.example.com:7000/ host:x") == ("out.example.com" if own else "502")
    names = translate(mesh, Proxy(), {}).listeners
    assert (tcp_listener_name("out.example.com", 7000) in names) is own
    assert (listener_name(7000) in names) is not own
    (arm,) = predict(mesh, parse("http://out.example.com:7000/")).arms
    assert arm.policy.upstream is Upstream.CLIENT


def test_nothing_listens_for_a_headless_service_without_pods(built) -> None:
    ports = "[{name: tcp, port: 9000}, {name: any, port: 9001}, {name: http, port: 9002}]"
    text = SITE.replace("[{name: http, port: 5000}, {name: http-more, port: 7000, targetPort: 5000}]", ports)
    for labels, refused in (("db", False), ("nobody", True)):
        mesh = built(
            text.replace("clusterIP: None\n  selector: {app: db}", f"clusterIP: None\n  selector: {{app: {labels}}}")
        ).mesh
        mesh = replace(mesh, workloads=tuple(one for one in mesh.workloads if labels == "db" or one.name != "heads"))
        found = [led_to(mesh, one) for one in ("tcp://heads:9000", "http://heads:9001/", "http://heads:9002/")]
        assert [one == "connection" for one in found] == [refused, refused, False]
        names = translate(mesh, Proxy(), {}).listeners
        own = {tcp_listener_name("heads.default.svc.cluster.local", port) for port in (9000, 9001)}
        assert own.isdisjoint(names) if refused else own <= names.keys()
