"""Services without a selector: what their Endpoints and EndpointSlices list is stood in for."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.envoy.clusters.endpoint import backing, container_port
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.predict.prediction import predict

HOST = "db.shop.svc.cluster.local"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {PORTS}
---
"""
ONE_PORT = "ports: [{port: 80, targetPort: 9999}]"
TWO_PORTS = "ports: [{name: http, port: 80}, {name: http-admin, port: 81}]"
ENDPOINTS = """\
apiVersion: v1
kind: Endpoints
metadata: {name: db, namespace: shop}
subsets: SUBSETS
---
"""
SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
endpoints: LISTED
ports: PORTS
---
"""
PLAIN = "[{addresses: [{ip: 192.0.2.1}, {ip: 192.0.2.2}], ports: [{port: 8080}]}]"


def built(text: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


def answering(found: Built, url: str = "http://db.shop/") -> list[str]:
    expectation = predict(found.mesh, parse(f"GET {url}"))
    return sorted(key for one in expectation.arms for key in one.workloads)


def test_addresses_of_endpoints_answer_on_their_own_ports() -> None:
    found = built(SERVICE.replace("PORTS", ONE_PORT) + ENDPOINTS.replace("SUBSETS", PLAIN))
    assert not found.mesh.unmodelled
    (one,) = found.mesh.workloads
    assert (one.key, one.kind, one.replicas, dict(one.labels)) == ("shop/db-endpoints", "Endpoints", 2, {})
    assert answering(found) == ["shop/db-endpoints"]
    service = found.mesh.service(HOST)
    assert service is not None
    assert [container_port(service.ports[0], each) for each in backing(found.mesh, service, {})] == [8080]
    assert backing(found.mesh, service, {"version": "v1"}) == []
    assert sum("what the Endpoints of db.shop list is stood in for" in each.message for each in found.notices) == 1


def test_ports_are_found_by_their_names() -> None:
    subsets = "[{addresses: [{ip: 192.0.2.1}], ports: [{name: http, port: 8080}, {name: other, port: 8081}]}]"
    found = built(SERVICE.replace("PORTS", TWO_PORTS) + ENDPOINTS.replace("SUBSETS", subsets))
    assert answering(found) == ["shop/db-endpoints"]
    assert answering(found, "http://db.shop:81/") == []
    assert not found.mesh.unmodelled


def test_each_subset_and_slice_has_its_own() -> None:
    subsets = f"{PLAIN[:-1]}, {{addresses: [{{ip: 192.0.2.9}}], ports: [{{port: 8090}}]}}]"
    listed = SLICE.replace("LISTED", "[{addresses: [192.0.2.7]}]").replace("PORTS", "[{name: '', port: 8070}]")
    found = built(SERVICE.replace("PORTS", ONE_PORT) + ENDPOINTS.replace("SUBSETS", subsets) + listed)
    assert answering(found) == ["shop/db-endpoints-1", "shop/db-endpoints-2", "shop/db-endpoints-3"]


READY = "[{addresses: [192.0.2.1]}, {addresses: [192.0.2.2], conditions: {ready: false}}]"


@pytest.mark.parametrize(
    ("listed", "kind", "replicas"),
    [
        (READY, "IPv4", [1]),
        ("[{addresses: [192.0.2.1], conditions: {ready: true}}]", "IPv4", [1]),
        ("[{addresses: [192.0.2.2], conditions: {ready: false}}]", "IPv4", []),
        ("[{addresses: [db.example]}]", "FQDN", []),
    ],
)
def test_slices_count_what_is_ready_and_has_an_address(listed: str, kind: str, replicas: list[int]) -> None:
    text = SLICE.replace("LISTED", listed).replace("IPv4", kind).replace("PORTS", "[{port: 8080}]")
    found = built(SERVICE.replace("PORTS", ONE_PORT) + text)
    assert [one.replicas for one in found.mesh.workloads] == replicas
    assert not [one for one in found.mesh.unmodelled if one.kind == "Service"]


MIRRORED = (
    "kubernetes.io/service-name: db, endpointslice.kubernetes.io/managed-by: endpointslicemirroring-controller.k8s.io"
)


def test_the_mirror_of_endpoints_says_nothing_more() -> None:
    text = (
        SLICE.replace("LISTED", READY)
        .replace("PORTS", "[{port: 8080}]")
        .replace("kubernetes.io/service-name: db", MIRRORED)
    )
    found = built(SERVICE.replace("PORTS", ONE_PORT) + ENDPOINTS.replace("SUBSETS", PLAIN) + text)
    assert answering(found) == ["shop/db-endpoints"]
    alone = built(SERVICE.replace("PORTS", ONE_PORT) + text)
    assert [one.replicas for one in alone.mesh.workloads] == [1]


def test_what_is_not_mirrored_is_not_there() -> None:
    text = ENDPOINTS.replace("SUBSETS", PLAIN).replace(
        "namespace: shop}", "namespace: shop, labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}}"
    )
    found = built(SERVICE.replace("PORTS", ONE_PORT) + text)
    assert found.mesh.workloads == ()
    assert not found.mesh.unmodelled


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        # Pods are found by a selector; one that is listed may be any.
        (ONE_PORT, ENDPOINTS.replace("SUBSETS", "[{addresses: [{ip: 192.0.2.1, targetRef: {kind: Pod, name: a}}]}]")),
        (ONE_PORT, ENDPOINTS.replace("SUBSETS", "[{addresses: [{ip: []}], ports: [{port: 80}]}]")),
        (ONE_PORT, ENDPOINTS.replace("SUBSETS", PLAIN).replace("name: db", "name: other")),
        (ONE_PORT, SLICE.replace("LISTED", READY).replace("PORTS", "nonsense")),
        (ONE_PORT, ""),
        (f"selector: {{app: db}}, {ONE_PORT}", SLICE.replace("LISTED", READY).replace("PORTS", "[{port: 8080}]")),
    ],
)
def test_what_is_not_told_is_not_proved(spec: str, text: str) -> None:
    found = built(SERVICE.replace("PORTS", spec) + text)
    assert found.mesh.unmodelled
    assert found.mesh.workloads == ()


def test_an_object_of_another_kind_and_the_same_name_costs_nothing() -> None:
    other = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: db, namespace: shop}\n"
    other += "spec: {workloadSelector: {labels: {app: other}}, configPatches: []}\n"
    text = SERVICE.replace("PORTS", ONE_PORT) + ENDPOINTS.replace("SUBSETS", PLAIN)
    assert [one.kind for one in built(text).mesh.unmodelled] == []
    assert [one.kind for one in built(text + other).mesh.unmodelled] == ["EnvoyFilter"]
