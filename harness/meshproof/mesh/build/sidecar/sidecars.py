"""Sidecars, as far as they say which hosts a client knows.

What istiod refuses: istio/istio pkg/config/validation (ValidateSidecar, ValidateNamespaceSlashWildcardHostname).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.syntax.names import label_1123
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.sidecar import ANY_NAMESPACE, OWN_NAMESPACE, Imported, Listener, Sidecar
from meshproof.mesh.model.unmodelled import Clients, Pods, Role, Unmodelled

EXCLUDED = "~"
# The protocols of a listener by which all that is asked for is one of HTTP.
HTTP = frozenset({"http", "http2", "grpc"})
TCP = "tcp"
# Any installation of Istio has a Service with HTTP on it.
INSTALLED = 80
EVERYTHING = (Imported(ANY_NAMESPACE, "*"),)


def sidecar(resource: Resource, findings: Findings) -> Sidecar:
    spec = resource.body.get("spec") or resource.body.holding({})
    listed = (*spec.list("egress"), *spec.list("ingress"))
    if not (listed or spec.get("outboundTrafficPolicy") or spec.get("inboundConnectionPool")):
        raise spec.problem("a Sidecar says something of what pods send or receive", "istiod refuses an empty one")
    selected = labels(spec.get("workloadSelector"), "labels")
    place = "" if resource.namespace == ROOT_NAMESPACE and not selected else resource.namespace
    egress = spec.list("egress")
    with findings.within(Clients(place, selected)):
        shared, modelled = _shared(spec, egress, findings)
        several = tuple(_listeners(egress, Clients(place, selected), findings))
    with findings.within(Pods(place, selected, frozenset({Role.RECEIVES}))):
        findings.unmodelled(spec, "ingress", "inboundConnectionPool")
    hosts = tuple(_host(one) for listener in shared for one in listener.list("hosts"))
    ported = any(one.get("port") for one in egress)
    policy = spec.get("outboundTrafficPolicy")
    mode = policy.get("mode") if policy else None
    known = mode is not None and mode.text() in [one.value for one in OutboundMode]
    return Sidecar(
        resource.name,
        resource.namespace,
        selected,
        hosts if ported else hosts or EVERYTHING,
        resource.location,
        created(resource),
        OutboundMode(mode.text()) if mode and known else None,
        modelled and (bool(shared) or not ported or len(several) == len(egress)),
        several,
        catching=bool(shared) or not ported,
    )


def _shared(spec: Value, egress: Sequence[Value], findings: Findings) -> tuple[Sequence[Value], bool]:
    """The listener whose hosts are known on every port that has none of its own; and whether nothing else is said."""
    catching = [one for one in egress if one.get("port") is None]
    if len(catching) > 1:
        raise catching[1].problem("a second egress listener without a port", "istiod refuses it")
    if catching and catching[0] is not egress[-1]:
        raise catching[0].problem("an egress listener without a port is the last one", "istiod refuses it")
    for listener in egress:
        if not listener.list("hosts"):
            raise listener.problem("an egress listener names hosts", 'hosts: ["*/*"] takes every host')
    before = len(findings.unmodelled_parts)
    for listener in catching:
        findings.unmodelled(listener, "bind")
        if capture := _uncaptured(listener):
            findings.unproved(capture.location, "captureMode NONE is not modelled")
    findings.unmodelled(spec.get("outboundTrafficPolicy"), "egressProxy")
    return catching, len(findings.unmodelled_parts) == before


def _uncaptured(listener: Value) -> Value | None:
    capture = listener.get("captureMode")
    return capture if capture and capture.data == "NONE" else None


def _listeners(egress: Sequence[Value], clients: Clients, findings: Findings) -> Iterator[Listener]:
    """The listeners for one port each; what is not modelled of one costs that port, or all where no other is left."""
    catching = any(one.get("port") is None for one in egress)
    everybodys = not clients.namespace
    taken: set[int] = set()
    for one in egress:
        port = one.get("port")
        if port is None:
            continue
        number = port.need("number").whole(0, LARGEST_PORT)
        protocol = port.get("protocol")
        spoken, bind = protocol.text() if protocol else "", one.get("bind")
        if number in taken and bind is None:
            raise port.problem(f"a second egress listener for port {number}", "istiod refuses it")
        why = ""
        if everybodys:
            why = f"an egress listener for port {number} of all namespaces"
        elif bind:
            why = f"an egress listener for port {number} with bind"
        elif _uncaptured(one):
            why = f"an egress listener for port {number} with captureMode NONE"
        elif spoken.lower() not in {*HTTP, TCP} or not number:
            why = f"an egress listener for port {number} of {spoken or 'no protocol'}"
        taken.add(number)
        if why:
            touches = replace(clients, port=number) if catching else clients
            findings.unproved(port.key or port.location, f"{why} is not modelled", touches=(touches,))
        else:
            hosts = tuple(_host(each) for each in one.list("hosts"))
            yield Listener(number, hosts, port.key or port.location, tcp=spoken.lower() == TCP)


def _host(value: Value) -> Imported:
    namespace, slash, host = value.text().partition("/")
    excluded = namespace.startswith(EXCLUDED)
    own = namespace.removeprefix(EXCLUDED)
    if not slash or not namespace or not host:
        raise value.problem(
            f"{value.shown} is not namespace/host", "such as ./*, */* or shop/web.shop.svc.cluster.local"
        )
    if own and own not in (ANY_NAMESPACE, OWN_NAMESPACE) and (wrong := label_1123(own)):
        raise value.problem(f"the namespace {own!r} {wrong}")
    if not HOST.fullmatch(host) or (host.startswith("*") and host != "*" and not host.startswith("*.")):
        raise value.problem(f"{host!r} is not a host name", "a name in full, *.example.com or *")
    return Imported(own or ANY_NAMESPACE, host, excluded)


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with its Sidecars, with those of their listeners that are modelled."""
    several = (part for part in parts if isinstance(part, Sidecar))
    return replace(mesh, sidecars=tuple(_plain(mesh, one, findings) if one.listeners else one for one in several))


def _plain(mesh: Mesh, one: Sidecar, findings: Findings) -> Sidecar:
    """A Sidecar with those of its listeners on whose ports nothing but HTTP is known to be called."""
    kept = []
    for listener in one.listeners:
        why = _mixed(mesh, one, listener)
        if not why:
            kept.append(listener)
            continue
        touches = Clients(one.namespace, one.selector, listener.port if one.catching else None)
        reason = f"an egress listener for port {listener.port}, where {why}, is not modelled"
        part = Unmodelled("Sidecar", f"Sidecar {one.namespace}/{one.name}", listener.location, reason, (touches,))
        findings.unmodelled_parts.append(part)
    whole = one.catching or len(kept) == len(one.listeners)
    return replace(one, listeners=tuple(kept), modelled=one.modelled and whole)


def _mixed(mesh: Mesh, one: Sidecar, listener: Listener) -> str:
    """Why it is not known what listens on a listener's port; empty where that is known."""
    known = [(*pair, _takes(listener.hosts, pair[0], one)) for pair in mesh.services_on(listener.port)]
    met = [(service, port, own) for service, port, own in known if own or _takes(one.hosts, service, one)]
    if listener.tcp:
        if any(port.protocol != TCP or service.hostname or service.headless for service, port, _ in met):
            return "a Service has no address of its own, or is not known to speak TCP"
        if listener.port == INSTALLED:
            return "any installation of Istio has a Service with HTTP"
        if not all(own for *_, own in met):
            return "the listener for all other ports imports a Service, too"
    elif any(port.sniffed or not port.is_http for _, port, _ in met):
        return "a Service is not known to speak HTTP"
    if not any(own for *_, own in met):
        return "it imports no Service"
    return ""


def _takes(hosts: Sequence[Imported], service: Service, one: Sidecar) -> bool:
    covering = [each for each in hosts if each.covers(service.host, service.namespace, one.namespace)]
    return bool(covering) and not any(each.excluded for each in covering)
