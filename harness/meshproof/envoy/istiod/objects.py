"""Manifests as an API server has them: with addresses, namespaces, pods and EndpointSlices.

Addresses are made up: those of Services are called by nobody, and those of pods are exchanged for where their replicas
really listen. What Kubernetes' own controllers would make is made here, apart from how `clusters/endpoint.py` sees it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from meshproof.envoy.istiod.altered import altered
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE
from meshproof.mesh.model.traffic_policy.client_tls import CONFIG_MAP
from meshproof.mesh.model.traffic_policy.locality import REGION, SUBZONE, ZONE, Locality
from meshproof.records import dataclass

Json = dict[str, Any]

SERVICES, PODS, GATEWAYS = 10 << 24 | 96 << 16, 10 << 24 | 128 << 16, 10 << 24 | 112 << 16
LISTED = 10 << 24 | 136 << 16
# Where the client stands, whose pod nobody calls.
CLIENT = "10.120.0.1"
MAP, SLICE, SERVICE_NAME = "ConfigMap", "EndpointSlice", "kubernetes.io/service-name"
CLUSTER_SCOPED = frozenset({"Namespace", "GatewayClass"})
# The labels of the pods that serve a Gateway of the Gateway API: of both istiod makes the name of their Service.
GATEWAY_NAME, GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-name", "gateway.networking.k8s.io/gateway-class-name"
# Istio's own namespace has a Service on this port in any installation, which is why sidecars listen there.
INSTALLED, INSTALLED_PORT = "meshproof-installed", 80
# Where no manifest says when it was made, their order does, a second each.
BEGINNING = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`objects` are what the API server holds; `pods` says whose replica an address is: its workload and number.

    `gateways` are the addresses of the pods of each gateway that was asked for.
    """

    objects: tuple[Json, ...]
    pods: Mapping[str, tuple[Workload, int]]
    gateways: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of that address; `ports` are the (name, number) of its containers."""

    name: str
    namespace: str
    labels: Labels = field(hash=False)
    address: str
    ports: tuple[tuple[str, int], ...] = ()
    locality: Locality | None = None


def cluster(resources: Iterable[Resource], mesh: Mesh, gateways: Sequence[tuple[str, Labels]] = ()) -> Cluster:
    """What a cluster holds once these are applied, and `mesh` is what they say.

    `gateways` are the namespaces and labels of the gateways' pods, which are added where they are not among them.
    """
    written = (_object(one, number) for number, one in enumerate(resources) if one.kind not in FORMS)
    objects = list(altered(written, mesh))
    replicas = dict(_replicas(mesh.workloads))
    serving = [_serving(replicas, number, *one) for number, one in enumerate(gateways)]
    pods = list(dict.fromkeys((*replicas, *serving)))
    objects += _gateway_services(mesh, objects)
    objects += _authorities(mesh, objects)
    objects.append(_installed())
    known = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}
    named = {one["metadata"]["namespace"] for one in objects if "namespace" in one["metadata"]}
    made = [_namespace(one) for one in sorted({"default", *named, *(one.namespace for one in pods)} - known)]
    services = [one for one in objects if one["kind"] == "Service" and one["apiVersion"] == "v1"]
    for number, one in enumerate(services, 1):
        _allocate(one, number)
    slices = [piece for one in services for piece in _slices(one, pods)]
    listed = [*_listed(mesh, {_of_service(one) for one in objects if one["kind"] == SLICE})]
    slices += [_listing(*one) for one in listed]
    nodes = [_node(one) for one in sorted({pod.locality for pod in pods if pod.locality})]
    several = (*made, *nodes, *objects, *map(_pod, pods), *slices)
    behind = {pod.address: one for pod, one in replicas.items()}
    behind |= {address: (one, number) for one, each in listed for number, address in enumerate(each)}
    return Cluster(several, behind, [one.address for one in serving])


def without_nulls(value: Any) -> Any:
    """As the API server keeps it: what is null is not there."""
    if isinstance(value, Mapping):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def _object(resource: Resource, number: int) -> Json:
    body: Json = without_nulls(plain(resource.body))
    made = (BEGINNING + datetime.timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"creationTimestamp": made, **body.get("metadata", {}), "name": resource.name}
    if resource.kind not in CLUSTER_SCOPED:
        metadata["namespace"] = resource.namespace
    # Who applies an object says no status: controllers do.
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": metadata}


def _namespace(name: str) -> Json:
    labels = {"kubernetes.io/metadata.name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _address(first: int, number: int) -> str:
    return ".".join(str((first + number) >> shift & 255) for shift in (24, 16, 8, 0))


def _allocate(service: Json, number: int) -> None:
    """What the API server adds to a Service."""
    spec = service.setdefault("spec", {})
    if spec.get("type") != "ExternalName":
        spec.setdefault("clusterIP", _address(SERVICES, number))
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _replicas(workloads: Iterable[Workload]) -> Iterator[tuple[Pod, tuple[Workload, int]]]:
    number = 0
    for workload in workloads:
        ports = tuple((one.name, one.number) for one in workload.ports)
        for replica in range(workload.replicas if workload.in_pods else 0):
            number += 1
            address = _address(PODS, number)
            name = f"{workload.name}-{replica}"
            pod = Pod(name, workload.namespace, workload.labels, address, ports, workload.locality)
            yield pod, (workload, replica)


def _serving(pods: Iterable[Pod], number: int, namespace: str, labels: Labels) -> Pod:
    """A pod of a gateway."""
    for one in pods:
        if one.namespace == namespace and labels.items() <= one.labels.items():
            return one
    return Pod(f"meshproof-gateway-{number}", namespace, labels, _address(GATEWAYS, number + 1))


def _gateway_services(mesh: Mesh, objects: Sequence[Json]) -> Iterator[Json]:
    """The Services that istiod makes for the pods of the Gateway API's Gateways."""
    there = {(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects if one["kind"] == "Service"}
    opened: dict[tuple[str, str, str], dict[int, None]] = {}
    for gateway in mesh.gateways:
        if gateway.listener:
            # A ListenerSet has its ports at the pods of its Gateway.
            name = gateway.selector.get(GATEWAY_NAME, gateway.name)
            called = f"{name}-{gateway.selector.get(GATEWAY_CLASS, '')}"
            ports = opened.setdefault((mesh.pods_of(gateway)[0], name, called), {})
            ports.update((server.port, None) for server in gateway.servers)
    for (namespace, name, called), numbers in opened.items():
        if (namespace, called) not in there:
            ports_of = [{"name": f"tcp-{number}", "port": number} for number in numbers]
            yield _service(called, namespace, {GATEWAY_NAME: name}, ports_of)


def _authorities(mesh: Mesh, objects: Sequence[Json]) -> Iterator[Json]:
    """The ConfigMaps that BackendTLSPolicies name: what istiod does without is another thing."""
    there = {(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects if one["kind"] == MAP}
    said = {policy.tls.credential for rule in mesh.destination_rules for policy, _ in rule.policies if policy.tls}
    for name in sorted(one.removeprefix(CONFIG_MAP) for one in said if one.startswith(CONFIG_MAP)):
        namespace, _, own = name.partition("/")
        if (namespace, own) not in there:
            metadata = {"name": own, "namespace": namespace}
            yield {"apiVersion": "v1", "kind": MAP, "metadata": metadata, "data": {"ca.crt": CERTIFICATE}}


def _installed() -> Json:
    return _service(INSTALLED, ROOT_NAMESPACE, {}, [{"name": "http", "port": INSTALLED_PORT}])


def _service(name: str, namespace: str, selector: Labels, ports: list[Json]) -> Json:
    metadata = {"name": name, "namespace": namespace}
    spec = {"selector": dict(selector), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _node(locality: Locality) -> Json:
    labels = dict(zip((REGION, ZONE, SUBZONE), locality, strict=True))
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": _node_name(locality), "labels": labels}}


def _node_name(locality: Locality) -> str:
    return "-".join(("node", *locality)).rstrip("-").lower()


def _pod(pod: Pod) -> Json:
    place = {"nodeName": _node_name(pod.locality)} if pod.locality else {}
    ports = [{"containerPort": number, **({"name": name} if name else {})} for name, number in pod.ports]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {
            "containers": [{"name": "app", "image": "app", "ports": ports}],
            "serviceAccountName": "default",
            **place,
        },
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _slices(service: Json, pods: Sequence[Pod]) -> Iterator[Json]:
    """The EndpointSlices of a Service: pods with the same numbers for its ports share one."""
    spec, metadata = service["spec"], service["metadata"]
    selector = spec.get("selector")
    if not selector or spec.get("type") == "ExternalName":
        return
    behind: dict[tuple[tuple[str, str, int, str], ...], list[Pod]] = {}
    for pod in pods:
        if pod.namespace == metadata["namespace"] and selector.items() <= pod.labels.items():
            behind.setdefault(tuple(_ports(spec.get("ports", ()), pod)), []).append(pod)
    for number, (ports, several) in enumerate(behind.items()):
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": SLICE,
            "metadata": {
                "name": f"{metadata['name']}-{number}",
                "namespace": metadata["namespace"],
                "labels": {SERVICE_NAME: metadata["name"]},
            },
            "addressType": "IPv4",
            "ports": [
                {"name": name, "protocol": protocol, "port": port, **({"appProtocol": app} if app else {})}
                for name, protocol, port, app in ports
            ],
            "endpoints": [
                {
                    "addresses": [pod.address],
                    "conditions": {"ready": True, "serving": True},
                    "targetRef": {"kind": "Pod", "name": pod.name, "namespace": metadata["namespace"]},
                }
                for pod in several
            ],
        }


def _listed(mesh: Mesh, there: Collection[tuple[str, str]]) -> Iterator[tuple[Workload, list[str]]]:
    """The addresses of what EndpointSlices and Endpoints list for Services without a selector, but for these."""
    number = 0
    for service in mesh.services:
        own = () if service.hostname or service.selector or not service.endpoints else mesh.behind(service)
        for one in own if (service.namespace, service.name) not in there else ():
            yield one, [_address(LISTED, number + place + 1) for place in range(one.replicas)]
            number += one.replicas


def _of_service(slice_: Json) -> tuple[str, str]:
    metadata = slice_["metadata"]
    return metadata["namespace"], metadata.get("labels", {}).get(SERVICE_NAME, "")


def _listing(workload: Workload, addresses: Sequence[str]) -> Json:
    """The EndpointSlice that Kubernetes has for what a Service's endpoints are said to be."""
    service = workload.endpoint_of.partition("/")[2].partition(" ")[0]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": SLICE,
        "metadata": {"name": workload.name, "namespace": workload.namespace, "labels": {SERVICE_NAME: service}},
        "addressType": "IPv4",
        "ports": [{"name": one.name, "protocol": "TCP", "port": one.number} for one in workload.ports],
        "endpoints": [{"addresses": [one], "conditions": {"ready": True, "serving": True}} for one in addresses],
    }


def _ports(ports: Iterable[Json], pod: Pod) -> Iterator[tuple[str, str, int, str]]:
    for port in ports:
        target = port["targetPort"]
        if isinstance(target, str) and not target.isdigit():
            target = next((number for name, number in pod.ports if name == target), None)
        if target is not None:
            yield port.get("name", ""), port["protocol"], int(target), port.get("appProtocol", "")
