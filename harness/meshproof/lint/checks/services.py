"""Services and workloads: how ports are called, and what they aim at."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.errors import Location
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.contexts import services_of
from meshproof.lint.folder import Folder, distinct
from meshproof.lint.raw import each, field, text
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import TCP_PORTS, selected
from meshproof.mesh.build.stand_ins.meant import meant
from meshproof.mesh.build.stand_ins.pods import without_pods
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.injection import is_closed, without_sidecar
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service, ServicePort, Workload
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict.destinations import listens

# Which user the proxy itself runs as: what that user sends is not taken by it.
PROXY_UID = 1337
# Gateways are proxies themselves; istioctl passes over both names, too.
PROXIES = frozenset({"istio-proxy", "istio-operator"})
SYSTEM = frozenset({ROOT_NAMESPACE, "kube-system", "kube-public"})
EXTERNAL_NAME = "ExternalName"
TCP = "tcp"


def _ports(resource: Resource) -> Iterator[tuple[Value, int, str, str | None]]:
    """Each TCP port with its number, name and appProtocol."""
    for port in resource.body.need("spec").list("ports"):
        app = port.get("appProtocol")
        if text(port, "protocol") in ("", "TCP"):
            yield port, port.need("port").whole(), text(port, "name"), app.text() if app else None


def _is_external(resource: Resource) -> bool:
    return text(resource.body, "spec", "type") == EXTERNAL_NAME


def _is_made(resource: Resource) -> bool:
    """Whether istiod makes it of a Gateway."""
    return "gateway.istio.io/managed" in texts_of(resource)


def texts_of(resource: Resource) -> set[str]:
    labels = field(resource.body, "metadata", "labels")
    return set(labels.names()) if labels else set()


def sniffed(folder: Folder) -> Iterator[Found]:
    """Ports that name no protocol, so that proxies guess by what they see."""

    def read(resource: Resource) -> Iterator[Found]:
        if resource.namespace in SYSTEM or _is_external(resource) or _is_made(resource):
            return
        for port, number, name, app in _ports(resource):
            if not selected(number, name, app):
                called = f"port {number}, {name}," if name else f"port {number} without a name"
                yield Found(port.location, f"{called} names no protocol: the proxy guesses it from the first bytes")

    return each(folder.of_kind("Service", ""), read)


def external_names(folder: Folder) -> Iterator[Found]:
    """Ports of ExternalNames that take all traffic of that port, whatever its host."""

    def read(resource: Resource) -> Iterator[Found]:
        for port, number, name, app in _ports(resource) if _is_external(resource) else ():
            if not selected(number, name, app) or name == "tcp":
                text_ = f"port {number} of an ExternalName is TCP: it may take what is for other hosts"
                yield Found(port.location, text_)

    return each(folder.of_kind("Service", ""), read)


def _for_http(folder: Folder) -> Iterator[tuple[VirtualService, Service]]:
    """The VirtualServices within the mesh that have rules for HTTP alone, each with the Services that it is for."""
    for one in folder.mesh.bound_to(MESH_GATEWAY):
        for service in services_of(folder.mesh, one) if one.http and not (one.tcp or one.tls) else ():
            if service.ports:
                yield one, service


def hidden_http(folder: Folder) -> Iterator[Found]:
    """Rules for HTTP of a Service none of whose ports is HTTP, or that name a port of it that is not."""
    for one, service in _for_http(folder):
        if not any(port.is_http for port in service.ports):
            shown = distinct(f"{port.number} ({port.name or port.protocol})" for port in service.ports)
            spoken = service.ports[0].protocol
            said = f"the rules are for HTTP, and {service.called} has none: port {shown} is {spoken}"
            yield Found(one.location, said, service.ports[0].location)
            continue
        for port in _connections(service):
            for place in _naming(one, service, port.number):
                said = f"the rule is for HTTP, and port {port.number} ({port.name}) of {service.called} is TCP"
                yield Found(place, said, port.location)


def partly_hidden_http(folder: Folder) -> Iterator[Found]:
    """Rules for HTTP of a Service some of whose ports are HTTP, and that name none of the others."""
    for one, service in _for_http(folder):
        if any(port.is_http for port in service.ports):
            for port in _connections(service):
                if not any(_naming(one, service, port.number)):
                    called = f"port {port.number} ({port.name}) of {service.called}"
                    yield Found(one.location, f"these rules decide nothing on {called}, which is TCP", port.location)


def _connections(service: Service) -> Iterator[ServicePort]:
    """The ports that are called TCP, of Kubernetes' Services: hosts elsewhere may be called by TLS."""
    return (
        port for port in service.ports if port.protocol == TCP and port.number not in TCP_PORTS and not service.hostname
    )


def _naming(one: VirtualService, service: Service, number: int) -> Iterator[Location]:
    """Where rules name a port of the Service that they are for."""
    for rule in one.http:
        named = [match.location for match in rule.matches if match.port == number]
        named += [aim.location for aim in rule.aims if (aim.host, aim.port) == (service.host, number)]
        yield from named[:1]


def _behind(folder: Folder) -> dict[str, tuple[tuple[Workload, Service], ...]]:
    """The Services of each workload that more than one Service selects."""
    pairs = (
        (pod.key, (pod, one)) for one in folder.mesh.services if not one.hostname for pod in folder.mesh.behind(one)
    )
    return {key: several for key, several in grouped(pairs).items() if len(several) > 1}


def two_protocols(folder: Folder) -> Iterator[Found]:
    """Workloads whose Services give one port several transports."""
    spoken: dict[str, dict[int, str]] = {}

    def transports(service: Service) -> dict[int, str]:
        return spoken.get(f"{service.namespace}/{service.name}", {})

    for resource in folder.of_kind("Service", ""):
        spec = resource.body.get("spec")
        for port in spec.list("ports") if spec else ():
            given = port.get("port")
            if given is not None and isinstance(given.data, int):
                key = f"{resource.namespace}/{resource.name}"
                spoken.setdefault(key, {})[given.data] = text(port, "protocol") or "TCP"
    for several in _behind(folder).values():
        pod = several[0][0]
        by_port = grouped((number, (said, one)) for _, one in several for number, said in transports(one).items())
        for number, found in by_port.items():
            if len({said for said, _ in found}) > 1:
                names = distinct(f"{one.name} ({said})" for said, one in found)
                yield Found(pod.location, f"{pod.kind} {pod.key} has port {number} by {names}")


def two_ports(folder: Folder) -> Iterator[Found]:
    """Workloads whose Services lead to one port of the pods from several ports of their own."""
    for several in _behind(folder).values():
        pod = several[0][0]
        by_target = grouped((port.target, (port.number, one)) for _, one in several for port in one.ports)
        for target, found in by_target.items():
            if len({number for number, _ in found}) > 1:
                names = distinct(f"{one.name} (port {number})" for number, one in found)
                yield Found(pod.location, f"{pod.kind} {pod.key} gets requests on {target} by {names}")


def aims_at_nothing(folder: Folder) -> Iterator[Found]:
    """Ports that aim at a container's port by a name that no container has."""
    for service in folder.mesh.services:
        pods = folder.mesh.behind(service)
        for port in service.ports if pods and not service.hostname else ():
            if not any(listens(pod, port) for pod in pods):
                text_ = f"port {port.number} of {service.called} aims at the container port {port.target}"
                yield Found(port.location, f"{text_}, and no container of its pods has a port of that name")


def proxys_user(folder: Folder) -> Iterator[Found]:
    """Containers beside a sidecar that run as the proxy's own user."""
    closed = {one.name for one in folder.of_kind("Namespace", "") if is_closed(one)}
    for kind, form in FORMS.items():
        for group in ("apps", "", "batch", "argoproj.io"):

            def read(resource: Resource, path: tuple[str, ...] = form.template) -> Iterator[Found]:
                if without_sidecar(resource, resource.namespace in closed):
                    return
                for user in _users(field(at(resource.body, path), "spec")):
                    if user.data == PROXY_UID:
                        yield Found(
                            user.location, f"user {PROXY_UID} is the proxy's own: its requests pass the mesh by"
                        )

            yield from each(folder.of_kind(kind, group), read)


def _users(spec: Value | None) -> Iterator[Value]:
    """Whom the containers run as that are no proxies; the pod's own user where one of them says nothing else."""
    several = spec.list("containers") if spec else ()
    own = [field(one, "securityContext", "runAsUser") for one in several if text(one, "name") not in PROXIES]
    whole = field(spec, "securityContext", "runAsUser")
    yield from (one for one in ([whole] if None in own else []) + own if one is not None)


def slipped(folder: Folder) -> Iterator[Found]:
    """The same where a workload that none selects is called so, or has nearly these labels."""
    lonely = without_pods(folder.mesh)
    for host, pod in meant(folder.mesh, lonely).items():
        for one in (own for own in lonely if own.host == host):
            shown = distinct(f"{name}: {value}" for name, value in one.selector.items())
            text = f"Service {one.namespace}/{one.name} selects no pod ({shown}), and none selects {pod.kind} {pod.key}"
            yield Found(one.location, text, pod.location)


CHECKS = (
    Check(
        "MP090",
        Severity.INFO,
        "A port names no protocol",
        "Begin the port's name with its protocol, as in http-web, or set appProtocol.",
        sniffed,
        ("IST0118",),
    ),
    Check(
        "MP091",
        Severity.WARNING,
        "A port's name hides HTTP from the rules",
        "Begin the port's name with http.",
        hidden_http,
    ),
    Check(
        "MP092",
        Severity.WARNING,
        "An ExternalName's port is TCP",
        "Begin the port's name with http or tls.",
        external_names,
        ("IST0150",),
    ),
    Check(
        "MP093",
        Severity.INFO,
        "Services give one port of a workload several transports",
        "Give each transport a port of its own.",
        two_protocols,
        ("IST0116",),
    ),
    Check(
        "MP094",
        Severity.INFO,
        "Services lead to one port of a workload from several",
        "Give both Services the same port.",
        two_ports,
        ("IST0137",),
    ),
    Check(
        "MP095",
        Severity.ERROR,
        "A Service aims at a container port that is not there",
        "Give the container's port that name, or write its number.",
        aims_at_nothing,
    ),
    Check(
        "MP096",
        Severity.WARNING,
        "A container runs as the proxy's user",
        "Let it run as another user.",
        proxys_user,
        ("IST0144",),
    ),
    Check(
        "MP097",
        Severity.WARNING,
        "A Service selects no pod, and nearly one that none selects",
        "Correct the selector, or the pods' labels.",
        slipped,
    ),
    Check(
        "MP098",
        Severity.INFO,
        "Rules for HTTP do not count on a port that is TCP",
        "Begin the port's name with http, where HTTP is spoken on it.",
        partly_hidden_http,
    ),
)
