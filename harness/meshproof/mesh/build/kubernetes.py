"""Services and Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.syntax.names import label_1123, port_name
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.traffic_policy.locality import distribution
from meshproof.mesh.build.visibility import annotated
from meshproof.mesh.model.ambient import waypoint
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Labels, Secret, Service, ServicePort
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called

LARGEST_PORT = 65535
# What a run writes to a Secret that it keeps without its content.
REDACTED = "meshproof.dev/redacted"
PROTOCOLS = frozenset({"tcp", "udp", "grpc", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis", "mysql"})
# SMTP, DNS, MySQL, MongoDB: istiod does not sniff there, since in them the server speaks first.
TCP_PORTS = frozenset({25, 53, 3306, 27017})
# What leaves and enters a sidecar, the state of its pod, and its metrics.
RESERVED = frozenset({15001, 15006, 15021, 15090})
# What a name for another host does not have: kubernetes/kubernetes pkg/apis/core/validation (ValidateService).
OF_ADDRESSES = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
# Transports that the mesh does not carry.
NOT_CARRIED = frozenset({"udp", "sctp"})
# Most objects leave most of theirs out: one object for all of them.
NO_LABELS: Labels = {}
KUBERNETES_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}


def labels(holder: Value | None, name: str) -> Labels:
    """A mapping of text to text, none when it is missing; what is null in a built-in kind is an empty text."""
    found = holder.get(name) if holder else None
    return found.texts() if found else NO_LABELS


def protocol(number: int, name: str, app_protocol: str | None) -> str:
    """The protocol of a port; one that names none is sniffed, and HTTP found there is routed as HTTP."""
    return selected(number, name, app_protocol) or "http"


def selected(number: int, name: str, app_protocol: str | None) -> str:
    """The protocol that Istio selects for a port, empty where it has to be found out on each connection.

    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/.
    """
    if app_protocol in KUBERNETES_PROTOCOLS:
        return KUBERNETES_PROTOCOLS[app_protocol]
    said = (name if app_protocol is None else app_protocol).lower()
    if said.startswith("grpc-web"):
        return "grpc-web"
    first = said.partition("-")[0]
    if first in PROTOCOLS:
        return first
    return "tcp" if number in TCP_PORTS else ""


def service(resource: Resource, findings: Findings) -> Service:
    spec = resource.body.need("spec", "a Service needs ports")
    selector = labels(spec, "selector")
    alias = _alias(spec)
    _untold(resource, bool(selector or alias), findings)
    values = spec.list("ports")
    if not values and not _portless(spec):
        raise spec.problem(f"{resource} has no ports", "the API server refuses it")
    ports = tuple(_service_port(port, findings) for port in values)
    _check_ports(ports, values)
    ports = tuple(one for one in ports if one.protocol not in NOT_CARRIED)
    proxies_own(f"{resource.name.lower()}.{resource.namespace}.{CLUSTER_DOMAIN}", ports, findings)
    whose = annotated(resource)
    unready = spec.get("publishNotReadyAddresses")
    return Service(
        resource.name,
        resource.namespace,
        ports,
        selector,
        resource.location,
        whose,
        headless=_is_headless(spec),
        unready=unready is not None and unready.data is True,
        alias_of=alias,
        waypoint=waypoint(labels(resource.body.get("metadata"), "labels"), resource.namespace),
        distribution=distribution(resource),
    )


def proxies_own(host: str, ports: Iterable[ServicePort], findings: Findings) -> None:
    """Say for which ports no sidecar listens, whatever rules there are: on these it listens for itself.

    pilot/pkg/model/context.go (conflictWithReservedListener).
    """
    for port in ports:
        if port.number in RESERVED and port.is_http and not port.sniffed:
            why = f"a sidecar has port {port.number} for itself: requests to it by HTTP pass no rule"
            findings.unproved(port.location, why, touches=(Called((host,), port.number),))


def _alias(spec: Value) -> str:
    """The host that an ExternalName stands for; without that type the field counts for nothing."""
    if not _is_external(spec):
        return ""
    name = spec.need("externalName", "the host that an ExternalName stands for")
    for field in OF_ADDRESSES:
        if (given := spec.get(field)) and given.data not in ("", ()):
            raise given.problem(f"an ExternalName has no {field}", "the API server refuses it")
    if not HOST.fullmatch(name.text().removesuffix(".")) or name.text().startswith("*"):
        raise name.problem(f"{name.shown} is no host", "the API server refuses it")
    return name.text()


def _untold(resource: Resource, selecting: bool, findings: Findings) -> None:
    """What is not modelled of a Service, and who stands behind it where that is not told."""
    spec = resource.body.need("spec")
    local = spec.get("internalTrafficPolicy")
    if local and local.data == "Local":
        findings.unmodelled(spec, "internalTrafficPolicy")
    affinity = spec.get("sessionAffinity")
    if affinity and affinity.data != "None":
        message = "sessionAffinity is kube-proxy's: a sidecar or gateway chooses among the pods by itself"
        findings.notice(affinity.location, message, Topic.NO_EFFECT)
    if not selecting:
        needs = "give it a selector or an EndpointSlice, or verify requests that it does not answer"
        why = "it has no selector: who answers is not known"
        findings.unproved(spec.location, why, needs=needs, topic=Topic.NO_SELECTOR)


def _portless(spec: Value) -> bool:
    """Whether a Service may be without ports: one that is headless, or a name for another host."""
    return _is_headless(spec) or _is_external(spec)


def _is_external(spec: Value) -> bool:
    kind = spec.get("type")
    return kind is not None and kind.data == "ExternalName"


def _is_headless(spec: Value) -> bool:
    address = spec.get("clusterIP")
    return address is not None and address.data == "None"


def _check_ports(ports: Sequence[ServicePort], values: Sequence[Value]) -> None:
    """Raise ManifestError for numbers and names that are given twice, and for names that are missing."""
    numbers: dict[tuple[int, str], Location] = {}
    named: dict[str, Location] = {}
    for port, value in zip(ports, values, strict=True):
        first = numbers.setdefault((port.number, _transport(port)), port.location)
        if first is not port.location:
            raise value.problem(f"port {port.number} is given twice, first in line {first.line}")
        if not port.name and len(ports) > 1:
            raise value.problem("a Service with several ports names each", "the API server refuses it")
        first = named.setdefault(port.name, port.location)
        if first is not port.location:
            raise value.problem(f"the port name {port.name} is given twice, first in line {first.line}")
        if port.name and (wrong := label_1123(port.name)):
            raise value.problem(f"the port name {port.name!r} {wrong}", "the API server refuses it")


def _transport(port: ServicePort) -> str:
    return port.protocol if port.protocol in NOT_CARRIED else "tcp"


def _service_port(value: Value, findings: Findings) -> ServicePort:
    number = value.need("port").whole(1, LARGEST_PORT)
    named = value.get("name")
    name = named.text() if named else ""
    target_value = value.get("targetPort")
    target: int | str = number
    # The API server takes 0 and an empty text as none.
    if target_value and target_value.data not in ("", 0):
        target = _target(target_value)
    transport, app = value.get("protocol"), value.get("appProtocol")
    if transport and transport.text() not in ("", "TCP"):
        findings.notice(value.location, f"port {number} is {transport.text()}: the mesh does not carry it")
        if transport.text() != "UDP":
            # istiod takes it for one of TCP that names no protocol.
            findings.unproved(value.location, f"what is sent over TCP to port {number} of SCTP is not modelled")
        return ServicePort(number, name, target, transport.text().lower(), value.location)
    found = selected(number, name, app.text() if app else None)
    return ServicePort(number, name, target, found or "http", value.location, sniffed=not found)


def _target(value: Value) -> int | str:
    """A number, or the name of a container's port."""
    if not isinstance(value.data, str):
        return value.whole(1, LARGEST_PORT)
    if wrong := port_name(value.data):
        raise value.problem(f"targetPort {value.shown} {wrong}", "the API server refuses it")
    return value.data


def secret(resource: Resource, findings: Findings) -> Secret | None:
    """A Secret; None for one whose content a run did not keep, which is as if it were not there."""
    metadata = resource.body.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    if annotations and annotations.get(REDACTED):
        findings.notice(resource.location, f"the content of {resource} was not kept: it is taken as missing")
        return None
    data: dict[str, bytes] = {}
    encoded, plain = resource.body.get("data"), resource.body.get("stringData")
    for name, value in (encoded.fields() if encoded else {}).items():
        try:
            data[name] = base64.b64decode("".join(_said(value).split()), validate=True)
        except (binascii.Error, ValueError):
            hint = "text that is not encoded belongs in stringData"
            raise value.problem(f"{name} is not base64", hint) from None
    for name, value in (plain.fields() if plain else {}).items():
        data[name] = _said(value).encode()
    return Secret(resource.name, resource.namespace, data, resource.location)


def _said(value: Value) -> str:
    # The API server keeps a key without a value, with nothing in it.
    return "" if value.data is None else value.text()
