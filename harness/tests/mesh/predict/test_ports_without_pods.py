"""Ports that a Service has and no pod, or whose number alone others share: what listens there, on both sides."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.envoy import resource_types as types
from meshproof.envoy.node import Proxy
from meshproof.envoy.snapshot import plain
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

SITE = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {%sselector: {app: db}, ports: [{name: tcp, port: 80, targetPort: %s}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: registry.example/db:1, ports: [{containerPort: 5432, name: sql}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: db}, ports: [{name: http, port: 80, targetPort: 5432}]}
---
"""
ROUTED = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v}
spec:
  hosts: [%s]
  http: [{route: [{destination: {host: web}}]}]
---
"""
HEADLESS = "clusterIP: None, "


def mesh_of(headless: str = "", target: str = "5432", hosts: str = "") -> Mesh:
    text = SITE % (headless, target) + (ROUTED % hosts if hosts else "")
    return build(load(["-"], stdin=io.StringIO(text)).resources).mesh


def listening(mesh: Mesh) -> bool:
    return any("db" in name for name in translate(mesh, Proxy(), {}).of(types.LISTENER))


@pytest.mark.parametrize(
    ("headless", "target", "there"),
    [("", "5432", True), ("", "gone", True), (HEADLESS, "sql", True), (HEADLESS, "gone", False)],
)
def test_for_a_headless_service_proxies_listen_where_a_pod_has_its_port(
    headless: str, target: str, there: bool
) -> None:
    mesh = mesh_of(headless, target)
    assert listening(mesh) is there
    connection = predict(mesh, parse("tcp://db:80"))
    assert connection.refused == ("" if there else "connection")
    # What is sent as HTTP comes to the listener of all other Services then, which knows no such host.
    assert bool(predict(mesh, parse("http://db/")).undecided) is not there


def domains(mesh: Mesh) -> set[str]:
    table = plain(translate(mesh, Proxy(), {}).of(types.ROUTE)["80"])
    return {name for one in table["virtual_hosts"] for name in one["domains"]}


@pytest.mark.parametrize(
    ("hosts", "name", "known"),
    [
        ("db, web", "db.default.svc.cluster.local", False),
        ("foreign.example.com", "foreign.example.com", True),
        ("'*.svc.cluster.local'", "*.svc.cluster.local", False),
        ("'*.example.com'", "*.example.com", True),
    ],
)
def test_what_is_a_service_of_that_port_is_no_foreign_host_whatever_it_speaks(
    hosts: str, name: str, known: bool
) -> None:
    mesh = mesh_of(hosts=hosts)
    assert (name in domains(mesh)) is known
    called = name.replace("*", "any")
    found = predict(mesh, parse(f"http://{called}/"))
    assert any(one.destination == "web.default" for one in found.arms) is known


def test_a_mirror_to_a_port_that_containers_do_not_name_is_told(built) -> None:
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\nspec: {hosts: [web], http: ["
    )
    rule += "{route: [{destination: {host: web}}], mirror: {host: copied}}]}\n---\n"
    pods = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec:\n  selector: {matchLabels: {app: NAME}}\n"
    )
    pods += (
        "  template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: c, image: x, ports: [PORT]}]}}\n---\n"
    )
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\n"
    service += "spec: {selector: {app: NAME}, ports: [{name: http, port: 80, targetPort: 8080}]}\n---\n"
    both = (pods + service).replace("NAME", "web").replace("PORT", "")
    for port, told in (("{containerPort: 8080}", 0), ("{containerPort: 9090}", 1)):
        mesh = built(both + rule + (pods + service).replace("NAME", "copied").replace("PORT", port)).mesh
        found = undecided(mesh, predict(mesh, parse("GET http://web/")))
        assert len([one for one in found if one.subject == "Deployment default/copied"]) == told
