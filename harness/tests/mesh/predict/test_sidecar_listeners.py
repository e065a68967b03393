"""Sidecars with egress listeners for one port each: what is known on it, and on others."""

from __future__ import annotations

import pytest
from meshproof.border.expectation import Expectation
from meshproof.border.request import parse
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests


def service(name: str, place: str, ports: str) -> str:
    spec = f"{{selector: {{app: {name}}}, ports: [{ports}]}}"
    pods = f"{{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}"
    containers = "spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}"
    return (
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {place}}}\nspec: {spec}\n"
        f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {place}}}\n"
        f"spec: {{selector: {pods}, {containers}}}}}\n"
    )


BOTH = "{name: http, port: 80, targetPort: 8080}, {name: http-b, port: 81, targetPort: 8080}"
SITE = service("web", "shop", BOTH) + service("api", "ops", BOTH) + service("here", "default", BOTH)
ROUTED = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r, namespace: NAMESPACE}
spec:
  hosts: [web.shop.svc.cluster.local]
  http: [{route: [{destination: {host: api.ops.svc.cluster.local, port: {number: PORT}}}]}]
"""
ON_80 = "{port: {number: 80, protocol: HTTP, name: e}, hosts: [HOSTS]}"


def limited(*egress: str, mode: str = "REGISTRY_ONLY") -> str:
    head = "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\n"
    return f"{head}spec: {{outboundTrafficPolicy: {{mode: {mode}}}, egress: [{', '.join(egress)}]}}\n"


def on_80(*hosts: str) -> str:
    return ON_80.replace("HOSTS", ", ".join(f'"{one}"' for one in hosts))


def routed(port: int, namespace: str = "shop") -> str:
    return ROUTED.replace("PORT", str(port)).replace("NAMESPACE", namespace)


def asked(mesh: Mesh, name: str, port: int) -> Expectation:
    expected = predict(mesh, parse(f"http://{name}:{port}/"))
    assert not Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected))
    assert not undecided(mesh, expected)
    return expected


def answers(mesh: Mesh, name: str, port: int) -> str:
    """The workload that answers, or what the proxy does in its place."""
    expected = asked(mesh, name, port)
    workloads = sorted(one for arm in expected.arms for one in arm.workloads)
    return workloads[0].partition("/")[2] if workloads else expected.refused or str(expected.status or 503)


def test_a_port_of_its_own_has_hosts_of_its_own(built) -> None:
    mesh = built(SITE + limited(on_80("shop/*"), '{hosts: ["ops/*", "./*"]}')).mesh
    assert {name: answers(mesh, name, 80) for name in ("web.shop", "api.ops", "here")} == {
        "web.shop": "web",
        "api.ops": "502",
        "here": "502",
    }
    assert {name: answers(mesh, name, 81) for name in ("web.shop", "api.ops", "here")} == {
        "web.shop": "502",
        "api.ops": "api",
        "here": "here",
    }


def test_without_a_listener_for_them_nothing_is_called_on_other_ports(built) -> None:
    mesh = built(SITE + limited(on_80("shop/*"))).mesh
    assert answers(mesh, "web.shop", 80) == "web"
    assert answers(mesh, "web.shop", 81) == "connection"


def test_unknown_hosts_are_passed_on_unless_they_are_refused(built) -> None:
    mesh = built(SITE + limited(on_80("shop/*"), mode="ALLOW_ANY")).mesh
    for url in ("http://api.ops/", "http://web.shop:81/"):
        assert "does not import the host" in predict(mesh, parse(url)).undecided


@pytest.mark.parametrize(
    ("listeners", "port", "found"),
    [
        # What no listener imports rules lead to where it has the listener's port.
        ((on_80("shop/*"),), 80, "api"),
        ((on_80("shop/*"),), 81, "503"),
        # Any listener's imports do, and what rules of another one lead to.
        ((on_80("shop/*"), '{hosts: ["ops/*"]}'), 81, "api"),
        ((on_80("shop/*"), '{hosts: ["shop/*"]}'), 81, "api"),
        ((on_80("shop/*"), on_80("ops/*").replace("80", "81")), 81, "api"),
        # A rule of a namespace that is not imported decides nothing.
        ((on_80("shop/*", "~shop/*"), '{hosts: ["shop/*"]}'), 81, "told"),
    ],
)
def test_what_rules_of_a_port_lead_to(built, listeners: tuple[str, ...], port: int, found: str) -> None:
    mesh = built(SITE + routed(port) + limited(*listeners)).mesh
    if found == "told":
        (one,) = [each for each in mesh.unmodelled if each.subject == "Sidecar default/s"]
        assert one.why == "an egress listener for port 80, where it imports no Service, is not modelled"
    else:
        assert answers(mesh, "web.shop", 80) == found


@pytest.mark.parametrize("ports", ["{name: tcp, port: 80}", "{port: 80}"])
@pytest.mark.parametrize("place", ["shop", "default"])
def test_a_port_that_is_not_known_to_be_http_alone_is_not_proved(built, ports: str, place: str) -> None:
    mesh = built(SITE + service("odd", place, ports) + limited(on_80("shop/*"), '{hosts: ["./*"]}')).mesh
    (one,) = [each for each in mesh.unmodelled if each.subject == "Sidecar default/s"]
    assert "where a Service is not known to speak HTTP, is not modelled" in one.why
    for name, port, touched in (("web.shop", 80, True), ("here", 81, False)):
        expected = predict(mesh, parse(f"http://{name}:{port}/"))
        assert bool(Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected))) is touched


def connects(mesh: Mesh, name: str, port: int) -> str:
    expected = predict(mesh, parse(f"tcp://{name}:{port}"))
    assert not Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected))
    workloads = sorted(one for arm in expected.arms for one in arm.workloads)
    return workloads[0].partition("/")[2] if workloads else expected.refused


DATABASES = "{name: tcp, port: 9000, targetPort: 8080}, {name: tcp-b, port: 9001, targetPort: 8080}"
STORES = SITE + service("db", "shop", DATABASES) + service("store", "default", DATABASES)
ON_9000 = on_80("shop/*").replace("80, protocol: HTTP", "9000, protocol: TCP")


def test_connections_are_known_by_the_listener_of_their_port(built) -> None:
    mesh = built(STORES + limited(ON_9000, '{hosts: ["./here.default.svc.cluster.local"]}')).mesh
    assert {port: connects(mesh, "db.shop", port) for port in (9000, 9001)} == {9000: "db", 9001: "connection"}
    assert connects(mesh, "store", 9000) == "connection"
    assert answers(mesh, "here", 80) == "here"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (limited(ON_9000, '{hosts: ["./*"]}'), "the listener for all other ports imports a Service, too"),
        (limited(ON_9000.replace("9000", "80")), "a Service has no address of its own, or is not known to speak TCP"),
        (
            service("alone", "shop", DATABASES).replace("ports", "clusterIP: None, ports", 1) + limited(ON_9000),
            "a Service has no address of its own, or is not known to speak TCP",
        ),
        (limited(ON_9000.replace("9000", "9999")), "it imports no Service"),
    ],
)
def test_connections_to_a_port_where_more_may_listen_are_not_proved(built, text: str, why: str) -> None:
    (one,) = [each for each in built(STORES + text).mesh.unmodelled if each.subject == "Sidecar default/s"]
    assert f"where {why}, is not modelled" in one.why


def test_samples_are_sent_by_clients_that_know_the_host(built) -> None:
    mesh = built(SITE + limited(on_80("shop/*"), '{hosts: ["./*"]}')).mesh
    found = {(one.host, one.port) for one in sample_requests(mesh)[0]}
    assert {("web.shop", 80), ("here", 81)} <= {(host.removesuffix(".svc.cluster.local"), port) for host, port in found}
