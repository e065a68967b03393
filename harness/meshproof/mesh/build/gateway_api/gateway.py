"""Gateways of the Gateway API: each listener is a Gateway of the mesh, with one server.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#gateway; what istiod makes of them:
pilot/pkg/config/kube/gateway/gateway_collection.go (GatewayCollection). The pods that it starts for one:
manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.listener import Listener, check, listener
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Entering, Unmodelled

CLASS = "istio"
DOMAIN = "gateway.networking.k8s.io"
# No pod has such a label, since a value has no slash: it stands for being one of the pods of that Gateway.
OWN_PODS = "pods of a Gateway"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One Gateway or ListenerSet, with each listener that is modelled and the Gateway of the mesh that stands for it.

    `whole` tells that all of them are. `pods` are the labels of those that serve it; `accepts` are the namespaces whose
    ListenerSets it takes ('' for all; None where that cannot be told).
    """

    key: str
    listeners: tuple[tuple[Listener, Gateway], ...]
    whole: bool
    kind: str = "Gateway"
    pods: Labels = field(default_factory=dict, hash=False)
    accepts: tuple[str, ...] | None = None


def gateway(resource: Resource, findings: Findings) -> Entrance:
    spec = resource.body.need("spec")
    key = f"{resource.namespace}/{resource.name}"
    several = spec.list("listeners")
    if not several:
        raise spec.problem("a Gateway needs at least one listener")
    check(several)
    name = spec.need("gatewayClassName", f"gatewayClassName: {CLASS}")
    if name.text() != CLASS:
        findings.unproved(name.location, f"a Gateway of class {name.text()} is not modelled")
        return Entrance(key, (), False)
    kinds = [one.get("type") for one in spec.list("addresses")]
    if len(kinds) > 1 or any(kind and kind.text() != "IPAddress" for kind in kinds):
        why = "a Gateway that pods of a Service of its own serve is not modelled"
        findings.unproved(spec.need("addresses").location, why)
        return Entrance(key, (), False)
    findings.unmodelled(spec, "tls", "backendTLS", "defaultScope")
    infrastructure = spec.get("infrastructure")
    findings.unmodelled(infrastructure, "parametersRef")
    pods = _pods(resource, labels(infrastructure, "labels"))
    found: list[tuple[Listener, Gateway]] = []
    for value in several:
        with findings.within(Entering(key, value.need("port").whole())):
            made = listener(value, resource, findings)
        if made is not None:
            found.append((made, standing_for(made, resource, pods)))
    # What istiod makes of one Gateway is equally old, and in the order of the names.
    found.sort(key=lambda one: one[0].section)
    accepts = _accepted(spec.get("allowedListeners"), resource.namespace)
    return Entrance(key, tuple(found), len(found) == len(several), pods=pods, accepts=accepts)


def _accepted(allowed: Value | None, own: str) -> tuple[str, ...] | None:
    """The namespaces whose ListenerSets a Gateway takes: by default none."""
    given = allowed.get("namespaces") if allowed else None
    said = given.get("from") if given else None
    chosen = said.text() if said else "None" if given is None or given.get("selector") is None else "Selector"
    return {"All": ("",), "Same": (own,), "None": ()}.get(chosen)


def certificates(mesh: Mesh, entrance: Entrance, findings: Findings) -> None:
    """Say where a listener's Secret is in another namespace alone: istiod gives it no certificate."""
    for _, one in entrance.listeners:
        for server in one.servers:
            name = server.tls.credential_name
            there = [secret.namespace for secret in mesh.secrets_called(name)] if name else []
            if there and one.namespace not in there:
                why = f"the Secret {name} is in {' and '.join(there)}, not in {one.namespace}: it has no certificate"
                where = server.tls.location or server.location
                touches = (Entering(one.key, server.port),)
                part = Unmodelled("Gateway", f"Gateway {one.called}", where, why, touches, refused=True)
                findings.unmodelled_parts.append(part)


def _pods(resource: Resource, own: Labels) -> Labels:
    return {
        **own,
        f"{DOMAIN}/gateway-name": resource.name,
        f"{DOMAIN}/gateway-class-name": CLASS,
        OWN_PODS: f"{resource.namespace}/{resource.name}",
    }


def standing_for(made: Listener, resource: Resource, pods: Labels) -> Gateway:
    """The Gateway of the mesh that a listener is."""
    return Gateway(
        resource.name,
        resource.namespace,
        pods,
        (made.server,),
        resource.location,
        created(resource),
        listener=made.section,
    )
