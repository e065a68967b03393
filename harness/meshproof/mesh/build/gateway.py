"""Gateways.

Which hosts istiod takes: istio/istio pkg/config/validation/agent, ValidateNamespaceSlashWildcardHostname; what it
makes of the part before the slash: pilot/pkg/model/gateway.go, sanitizeServerHostNamespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.server_tls import FILES, server_tls
from meshproof.mesh.build.visibility import CAPITALS, EVERYWHERE, HERE, LABEL, created
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, Gateway, Server
from meshproof.mesh.model.gateways.ports import opened
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import HOST, NUMBERS
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Entering, Unmodelled

HTTP = frozenset({"HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB"})
UDP = "UDP"
UNTRANSLATED = "experimental.istio.io/disable-gateway-port-translation"
FILES_OF_TLS = (*FILES, "caCertificates")
PROTOCOLS = HTTP | ENCRYPTED | CONNECTIONS | {UDP}
# What a text that asks for one is shown: hardly anybody means the others.
NAMED = "istiod wants a name for each port"
USUAL = "HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TCP, TLS, MONGO, REDIS or MYSQL"


def gateway(resource: Resource, findings: Findings) -> Gateway:
    spec = resource.body.need("spec")
    if not LABEL.fullmatch(resource.name):
        name = resource.body.need("metadata").need("name")
        raise name.problem(f"a Gateway cannot be called {name.shown}", "istiod refuses a name with dots")
    servers = spec.list("servers")
    if not servers:
        raise spec.problem("a Gateway needs at least one server")
    built: list[Server] = []
    named: dict[str, Server] = {}
    for value in servers:
        with findings.gather():
            server = _server(value, resource.namespace, findings)
            first = named.setdefault(server.name, server)
            if first is not server:
                message = f"the port name {server.name} is given twice, first in line {first.location.line}"
                raise value.problem(message, "istiod wants each server's port.name once")
            built.append(server)
    selector = labels(spec, "selector")
    return Gateway(resource.name, resource.namespace, selector, tuple(built), resource.location, created(resource))


def _server(value: Value, namespace: str, findings: Findings) -> Server:
    port = value.need("port", "each server names its port: number, name and protocol")
    protocol = port.need("protocol", USUAL)
    if protocol.text().upper() not in PROTOCOLS:
        raise protocol.problem(f"protocol must be {USUAL}, not {protocol.shown}")
    name = protocol.text().upper()
    number = port.need("number").whole(1, LARGEST_PORT)
    touched = (Entering(f"{namespace}/{findings.subject.name}", number),) if findings.subject else ()
    findings.unmodelled(value, "bind", "defaultEndpoint", touches=touched)
    if name == UDP:
        findings.unproved(protocol.location, f"a server of protocol {name} is not modelled", touches=touched)
    if (target := port.get("targetPort")) and target.whole():
        raise target.problem("targetPort has no meaning at a Gateway", "istiod refuses it: leave it out")
    tls = value.get("tls")
    if name in ENCRYPTED and tls is None:
        raise value.problem(f"a server for {name} needs tls", "tls: {mode: SIMPLE, credentialName: a-secret}")
    if tls and name not in ENCRYPTED:
        _check_plain(tls, name)
    hosts = value.list("hosts")
    if not hosts:
        raise value.problem("a server needs at least one host", "hosts: ['*'] takes every host")
    limited = [_host(host, namespace) for host in hosts]
    named = port.need("name", NAMED)
    if not named.text():
        raise named.problem("a port has no name", NAMED)
    for host in hosts:
        if (written := host.text().rpartition("/")[2]) != written.lower():
            findings.unproved(host.location, CAPITALS, needs="write it in lower case", touches=touched)
    # istiod takes every other host of a server away beside this one.
    limited = [("", "*")] if any(host.text() == "*/*" for host in hosts) else limited
    return Server(
        number,
        name,
        named.text(),
        tuple(host for _, host in limited),
        server_tls(tls, encrypted=name in ENCRYPTED, findings=findings, touches=touched),
        value.location,
        tuple(owner for owner, _ in limited),
    )


def _check_plain(tls: Value, protocol: str) -> None:
    """What a server without TLS may say of it: httpsRedirect, where it speaks HTTP."""
    mode = tls.get("mode")
    passing = mode is None or mode.text() in ("PASSTHROUGH", "AUTO_PASSTHROUGH")
    if protocol not in HTTP:
        raise tls.problem(f"a server for {protocol} cannot have tls", "write protocol: TLS")
    if not passing or any((found := tls.get(name)) and found.data for name in FILES_OF_TLS):
        raise tls.problem(f"a server for {protocol} cannot have tls but httpsRedirect", "write protocol: HTTPS")


def _host(value: Value, namespace: str) -> tuple[str, str]:
    """The namespace that a host is limited to ('' for any), and the host."""
    owner, slash, host = value.text().rpartition("/")
    if slash and owner not in (EVERYWHERE, HERE) and not LABEL.fullmatch(owner):
        hint = "before the slash istiod takes '*', '.' or the name of a namespace"
        raise value.problem(f"{value.name} {value.shown} is limited to no namespace", hint)
    partial = host.startswith("*") and host != "*" and not host.startswith("*.")
    # A domain of numbers is an address, which istiod takes here.
    named = HOST.fullmatch(host) or NUMBERS.fullmatch(host)
    if not named or partial or ("." not in host and host != "*"):
        raise value.problem(f"{value.name} {value.shown} is not a host name", "such as httpbin.example.com or '*'")
    return {EVERYWHERE: "", HERE: namespace}.get(owner, owner), host.lower()


def shared_ports(mesh: Mesh, findings: Findings) -> None:
    """Say what enters by servers on different ports that are one port of their pods: it is not proved.

    istiod opens the port that the pods' Service leads to, and puts the servers of both together there
    (istio/istio pilot/pkg/model/gateway.go, resolvePorts): each answers for the hosts of the other as well.
    """
    by_pods = grouped((_pods(mesh, one), one) for one in mesh.gateways if not one.listener)
    for gateways in by_pods.values():
        numbers = sorted({server.port for one in gateways for server in one.servers})
        targets = grouped((opened(mesh, gateways[0], number), number) for number in numbers)
        for target, several in targets.items():
            for gateway, number in _entering(gateways, several if len(several) > 1 else ()):
                others = " and ".join(str(one) for one in several if one != number)
                why = f"port {number} leads to the pods' port {target}, as {others} does: their servers count together"
                touches = (Entering(gateway.key, number),)
                name = f"Gateway {gateway.key}"
                findings.unmodelled_parts.append(Unmodelled("Gateway", name, gateway.location, why, touches))


def untranslated(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say what enters by pods whose Service has istiod open the very ports of their Gateways: it is not proved.

    What comes by port 80 of such a Service enters by the servers of its target port (resolvePorts, as above).
    """
    for one in resources:
        if one.kind != "Service" or not (label := at(one.body, ("metadata", "labels", UNTRANSLATED))):
            continue
        selector = labels(one.body.need("spec"), "selector")
        for gateway in mesh.gateways if selector else ():
            namespace, pods = mesh.pods_of(gateway)
            if gateway.listener or namespace != one.namespace or not selector.items() <= pods.items():
                continue
            with findings.about(one, (Entering(gateway.key),)):
                findings.unproved(label.location, f"{UNTRANSLATED} is not modelled")


def unreached(mesh: Mesh, findings: Findings) -> None:
    """Say where nobody gets in though the Gateway's pods are among the manifests: by a port, or for want of any pod."""
    services = grouped((one.namespace, one) for one in mesh.services if one.selector)
    opened_by: dict[tuple[str, ...], frozenset[int | str]] = {}
    for gateway in (one for one in mesh.gateways if not one.listener):
        pods = mesh.serving(gateway)
        if pods and not any(pod.replicas for pod in pods):
            why = "its pods have replicas: 0: nobody gets in by it"
            _unproved(gateway, gateway.location, why, Entering(gateway.key), "start its pods", findings)
            continue
        key = tuple(pod.key for pod in pods)
        if key not in opened_by:
            # Many Gateways have the same pods.
            near = ((pod, one) for pod in pods for one in services.get(pod.namespace, ()))
            fronts = [one for pod, one in near if one.selector.items() <= pod.labels.items()]
            several = (number for one in fronts for port in one.ports for number in (port.number, port.target))
            opened_by[key] = frozenset(several)
        ports = opened_by[key]
        # Who is on the Node's network is reached without any Service.
        for server in gateway.servers if ports and not any(pod.on_host for pod in pods) else ():
            if server.port not in ports:
                why = f"no Service of its pods has port {server.port}: nobody reaches it"
                needs = "add the port to the Service of the gateway's pods"
                _unproved(gateway, server.location, why, Entering(gateway.key, server.port), needs, findings)


def _unproved(gateway: Gateway, place: Location, why: str, touch: Entering, needs: str, findings: Findings) -> None:
    findings.unmodelled_parts.append(
        Unmodelled("Gateway", f"Gateway {gateway.key}", place, why, (touch,), needs, topic=Topic.GATEWAY_UNREACHED)
    )


def _entering(gateways: tuple[Gateway, ...], numbers: tuple[int, ...]) -> Iterator[tuple[Gateway, int]]:
    for gateway in gateways:
        there = {server.port for server in gateway.servers}
        yield from ((gateway, number) for number in numbers if number in there)


def _pods(mesh: Mesh, gateway: Gateway) -> tuple[str, tuple[tuple[str, str], ...]]:
    namespace, labels = mesh.pods_of(gateway)
    return namespace, tuple(sorted(labels.items()))
