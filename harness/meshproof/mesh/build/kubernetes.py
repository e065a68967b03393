"""Services, Deployments and Secrets."""

from __future__ import annotations

import base64
import binascii

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.kubernetes import ContainerPort, Labels, Secret, Service, ServicePort, Workload

LARGEST_PORT = 65535
MOST_REPLICAS = 10_000
PROTOCOLS = frozenset({"tcp", "udp", "grpc", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis", "mysql"})
# SMTP, DNS, MySQL, MongoDB: istiod does not sniff there, since in them the server speaks first.
TCP_PORTS = frozenset({25, 53, 3306, 27017})
KUBERNETES_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
SIDECAR = "istio-proxy"


def labels(holder: Value | None, name: str) -> Labels:
    """A mapping of text to text; none when it is missing."""
    found = holder.get(name) if holder else None
    return {key: value.text() for key, value in found.fields().items()} if found else {}


def protocol(number: int, name: str, app_protocol: str | None) -> str:
    """The protocol that Istio selects for a port.

    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/. A port
    that names none is sniffed, and HTTP found there is routed as HTTP: so it counts as http.
    """
    if app_protocol in KUBERNETES_PROTOCOLS:
        return KUBERNETES_PROTOCOLS[app_protocol]
    said = (name if app_protocol is None else app_protocol).lower()
    if said.startswith("grpc-web"):
        return "grpc-web"
    first = said.partition("-")[0]
    if first in PROTOCOLS:
        return first
    return "tcp" if number in TCP_PORTS else "http"


def service(resource: Resource, findings: Findings) -> Service:
    spec = resource.body.need("spec", "a Service needs ports")
    findings.unmodelled(spec, "externalName", "sessionAffinity")
    selector = labels(spec, "selector")
    if not selector:
        findings.notice(spec.location, f"{resource} has no selector: what stands behind it is not known")
    ports = tuple(_service_port(port, findings) for port in spec.list("ports"))
    seen: dict[int, Location] = {}
    for port, value in zip(ports, spec.list("ports"), strict=True):
        first = seen.setdefault(port.number, port.location)
        if first is not port.location and port.protocol != "udp":
            raise value.problem(f"port {port.number} is given twice, first in line {first.line}")
    return Service(resource.name, resource.namespace, ports, selector, resource.location)


def _service_port(value: Value, findings: Findings) -> ServicePort:
    number = value.need("port").whole(1, LARGEST_PORT)
    found = value.get("name")
    name = found.text() if found else ""
    target_value = value.get("targetPort")
    target: int | str = number
    if target_value:
        target = target_value.text() if isinstance(target_value.data, str) else target_value.whole(1, LARGEST_PORT)
    transport, app = value.get("protocol"), value.get("appProtocol")
    if transport and transport.text() != "TCP":
        findings.notice(value.location, f"port {number} is {transport.text()}: the mesh does not carry it")
        return ServicePort(number, name, target, transport.text().lower(), value.location)
    return ServicePort(number, name, target, protocol(number, name, app.text() if app else None), value.location)


def workload(resource: Resource, findings: Findings) -> Workload:
    spec = resource.body.need("spec", "a Deployment needs a template")
    template = spec.need("template")
    pod = labels(template.get("metadata"), "labels")
    selector = spec.need("selector", "apps/v1 wants the selector written out")
    findings.unmodelled(selector, "matchExpressions")
    for name, wanted in labels(selector, "matchLabels").items():
        if pod.get(name) != wanted:
            message = f"the selector wants {name}: {wanted}, which the template's labels do not have"
            raise selector.problem(message, "Kubernetes refuses such a Deployment: give both the same labels")
    containers = template.need("spec").need("containers").items()
    if not containers:
        raise template.problem("the template has no containers")
    own = [one for one in containers if (name_ := one.get("name")) is None or name_.data != SIDECAR] or list(containers)
    image = own[0].get("image")
    ports = tuple(
        ContainerPort(port.need("containerPort").whole(1, LARGEST_PORT), named.text() if named else "")
        for container in own
        for port in container.list("ports")
        for named in (port.get("name"),)
    )
    replicas = spec.get("replicas")
    return Workload(
        resource.name,
        resource.namespace,
        replicas.whole(0, MOST_REPLICAS) if replicas else 1,
        pod,
        image.text() if image else "",
        ports,
        resource.location,
    )


def secret(resource: Resource, _findings: Findings) -> Secret:
    data: dict[str, bytes] = {}
    encoded, plain = resource.body.get("data"), resource.body.get("stringData")
    for name, value in (encoded.fields() if encoded else {}).items():
        try:
            data[name] = base64.b64decode("".join(value.text().split()), validate=True)
        except (binascii.Error, ValueError):
            hint = "text that is not encoded belongs in stringData"
            raise value.problem(f"{name} is not base64", hint) from None
    for name, value in (plain.fields() if plain else {}).items():
        data[name] = value.text().encode()
    return Secret(resource.name, resource.namespace, data, resource.location)
