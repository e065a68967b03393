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
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.sidecar import ANY_NAMESPACE, OWN_NAMESPACE, Imported, Sidecar
from meshproof.mesh.model.unmodelled import Clients, Pods

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
        modelled = _is_modelled(spec, egress, findings)
    with findings.within(Pods(place, selected)):
        findings.unmodelled(spec, "ingress", "inboundConnectionPool")
    hosts = tuple(_host(one) for listener in egress for one in listener.list("hosts"))
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


def _is_modelled(spec: Value, egress: Sequence[Value], findings: Findings) -> bool:
    """Whether it has one listener for all ports, and nothing else about what is sent."""
    before = len(findings.unmodelled_parts)
    for listener in egress:
        if not listener.list("hosts"):
            raise listener.problem("an egress listener names hosts", 'hosts: ["*/*"] takes every host')
        findings.unmodelled(listener, "port", "bind")
        capture = listener.get("captureMode")
        if capture and capture.data == "NONE":
            findings.unproved(capture.location, "captureMode NONE is not modelled")
    catching = [one for one in egress if one.get("port") is None]
    if len(catching) > 1:
        raise catching[1].problem("a second egress listener without a port", "istiod refuses it")
    policy = spec.get("outboundTrafficPolicy")
    findings.unmodelled(policy, "egressProxy")
    return len(findings.unmodelled_parts) == before


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
