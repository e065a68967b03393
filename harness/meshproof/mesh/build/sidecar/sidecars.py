"""Sidecars, as far as they say which hosts a client knows.

What istiod refuses: istio/istio pkg/config/validation (ValidateSidecar, ValidateNamespaceSlashWildcardHostname).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.syntax.names import label_1123
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.sidecar import ANY_NAMESPACE, OWN_NAMESPACE, Imported, Sidecar
from meshproof.mesh.model.unmodelled import Clients, Pods, Role

EXCLUDED = "~"
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
        shared, modelled = _shared(spec, egress, Clients(place, selected), findings)
    with findings.within(Pods(place, selected, frozenset({Role.RECEIVES}))):
        findings.unmodelled(spec, "ingress", "inboundConnectionPool")
    hosts = tuple(_host(one) for listener in shared for one in listener.list("hosts"))
    policy = spec.get("outboundTrafficPolicy")
    mode = policy.get("mode") if policy else None
    known = mode is not None and mode.text() in [one.value for one in OutboundMode]
    return Sidecar(
        resource.name,
        resource.namespace,
        selected,
        hosts or EVERYTHING,
        resource.location,
        created(resource),
        OutboundMode(mode.text()) if mode and known else None,
        modelled,
    )


def _shared(spec: Value, egress: Sequence[Value], clients: Clients, findings: Findings) -> tuple[Sequence[Value], bool]:
    """The listeners whose hosts are known on every port that has none of its own; and whether nothing else is said."""
    catching = [one for one in egress if one.get("port") is None]
    if len(catching) > 1:
        raise catching[1].problem("a second egress listener without a port", "istiod refuses it")
    if catching and catching[0] is not egress[-1]:
        raise catching[0].problem("an egress listener without a port is the last one", "istiod refuses it")
    for listener in egress:
        if not listener.list("hosts"):
            raise listener.problem("an egress listener names hosts", 'hosts: ["*/*"] takes every host')
        if catching and (port := listener.get("port")):
            # Beside one for all other ports it is for requests to this one alone.
            number = port.need("number").whole(0, LARGEST_PORT)
            why = f"an egress listener for port {number}, beside one for all others, is not modelled"
            findings.unproved(port.key or port.location, why, touches=(replace(clients, port=number),))
    before = len(findings.unmodelled_parts)
    for listener in catching or egress:
        findings.unmodelled(listener, "port", "bind")
        capture = listener.get("captureMode")
        if capture and capture.data == "NONE":
            findings.unproved(capture.location, "captureMode NONE is not modelled")
    findings.unmodelled(spec.get("outboundTrafficPolicy"), "egressProxy")
    return catching or egress, len(findings.unmodelled_parts) == before


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


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:  # noqa: ARG001
    """The mesh with its Sidecars."""
    return replace(mesh, sidecars=tuple(part for part in parts if isinstance(part, Sidecar)))
