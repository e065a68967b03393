"""What an API server holds of manifests: addresses, pods, EndpointSlices, and nothing that is null."""

from __future__ import annotations

import io

import pytest
from meshproof.envoy.istiod.objects import Cluster, cluster
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: }
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: named}, {name: other, port: 81}, {name: gone, port: 82, targetPort: gone}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v1}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080, name: named}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 81, protocol: HTTP}]}
status: {conditions: []}
"""


@pytest.fixture(scope="module")
def held() -> Cluster:
    manifests = load(["-"], stdin=io.StringIO(WEB))
    mesh = build_all(manifests).mesh
    pods = {mesh.pods_of(one)[0]: mesh.pods_of(one) for one in mesh.gateways}
    return cluster(manifests.resources, mesh, list(pods.values()))


def of(held: Cluster, kind: str, name: str):
    return next(one for one in held.objects if one["kind"] == kind and one["metadata"]["name"] == name)


def test_a_service_has_an_address_and_its_pods_a_slice_without_the_ports_that_they_have_not(held: Cluster) -> None:
    service, (piece,) = (
        of(held, "Service", "web"),
        [one for one in held.objects if one["kind"] == "EndpointSlice" and one["metadata"]["name"].startswith("web")],
    )
    assert service["spec"]["clusterIP"].startswith("10.96.")
    assert "labels" not in service["metadata"]
    assert [(one["name"], one["port"]) for one in piece["ports"]] == [("http", 8080), ("other", 81)]
    places = [one["addresses"][0] for one in piece["endpoints"]]
    assert [(held.pods[place][0].name, held.pods[place][1]) for place in places] == [("web-v1", 0), ("web-v1", 1)]


def test_the_deployment_gives_way_to_its_pods_and_every_namespace_is_there(held: Cluster) -> None:
    kinds = {one["kind"] for one in held.objects}
    assert "Deployment" not in kinds
    namespaces = {one["metadata"]["name"] for one in held.objects if one["kind"] == "Namespace"}
    assert namespaces == {"default", "istio-system", "shop"}
    assert of(held, "Pod", "web-v1-1")["metadata"]["labels"] == {"app": "web", "version": "v1"}


def test_a_gateway_of_the_gateway_api_has_the_service_and_the_pod_that_istiod_would_make(held: Cluster) -> None:
    service = of(held, "Service", "edge-istio")
    assert [one["port"] for one in service["spec"]["ports"]] == [80, 81]
    (place,) = held.gateways
    pod = next(one for one in held.objects if one["kind"] == "Pod" and one["status"]["podIP"] == place)
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    # Nobody applies one.
    assert "status" not in of(held, "Gateway", "edge")


def test_the_order_of_the_files_is_the_age_of_what_says_none(held: Cluster) -> None:
    made = [one["metadata"]["creationTimestamp"] for one in held.objects if "creationTimestamp" in one["metadata"]]
    assert made == sorted(made)
    assert len(set(made)) == len(made) == 2


POLICY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: web}]
  validation: {hostname: web, caCertificateRefs: [{group: "", kind: ConfigMap, name: authority}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more, namespace: other}
spec: {parentRef: {name: edge, namespace: shop}, listeners: [{name: c, port: 8443, protocol: HTTP}]}
"""


def test_what_policies_name_is_there_and_a_gateways_service_has_the_ports_of_all_listener_sets() -> None:
    text = WEB.replace(
        "gatewayClassName: istio,", "gatewayClassName: istio, allowedListeners: {namespaces: {from: All}},"
    )
    manifests = load(["-"], stdin=io.StringIO(f"{text}---\n{POLICY}"))
    found = cluster(manifests.resources, build_all(manifests).mesh)
    assert list(of(found, "ConfigMap", "authority")["data"]) == ["ca.crt"]
    service = of(found, "Service", "edge-istio")
    assert (service["metadata"]["namespace"], [one["port"] for one in service["spec"]["ports"]]) == (
        "shop",
        [80, 81, 8443],
    )


LISTED = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.55.0.3}, {ip: 10.55.0.4}], ports: [{name: http, port: 8888}]}]
"""


def test_what_endpoints_list_has_a_slice_whose_addresses_are_those_of_what_stands_in() -> None:
    manifests = load(["-"], stdin=io.StringIO(LISTED), strict=False)
    built = build_all(manifests)
    held = cluster(built.resources, built.mesh)
    (one,) = (each for each in held.objects if each["kind"] == "EndpointSlice")
    assert one["metadata"]["labels"] == {"kubernetes.io/service-name": "web"}
    assert one["ports"] == [{"name": "http", "protocol": "TCP", "port": 8888}]
    addresses = [each["addresses"][0] for each in one["endpoints"]]
    (workload,) = built.mesh.workloads
    assert {address: held.pods[address] for address in addresses} == {
        address: (workload, number) for number, address in enumerate(addresses)
    }
    assert len(addresses) == 2


def test_a_slice_that_is_given_is_the_only_one() -> None:
    text = (
        LISTED.split("---")[0]
        + """---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: own, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8888}]
endpoints: [{addresses: [10.55.0.3]}]
"""
    )
    manifests = load(["-"], stdin=io.StringIO(text), strict=False)
    mesh = build_all(manifests).mesh
    several = cluster((*manifests.resources, *manifests.foreign), mesh).objects
    assert [each["metadata"]["name"] for each in several if each["kind"] == "EndpointSlice"] == ["own"]
