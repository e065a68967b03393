"""Gateways of the Gateway API: each listener is a Gateway of the mesh, with one server.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#gateway; what istiod makes of them:
pilot/pkg/config/kube/gateway/gateway_collection.go (GatewayCollection). The pods that it starts for one:
manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field, replace

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.classes.classes import CLASS, Classed, istiods
from meshproof.mesh.build.gateway_api.listeners.listener import Listener, check, listener, taking
from meshproof.mesh.build.gateway_api.listeners.namespaces import NOBODY, Chosen, chosen, names, untold
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.unmodelled.touches import touches
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.gateway import OWN_PODS, Gateway
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Entering, Unmodelled
from meshproof.records import dataclass

DOMAIN = "gateway.networking.k8s.io"
WRITE = "write the Namespace"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One Gateway or ListenerSet, with each listener that is modelled and the Gateway of the mesh that stands for it.

    `whole` tells that all of them are. `pods` are the labels of those that serve it, `account` is their ServiceAccount;
    `accepts` are the namespaces whose ListenerSets it takes.
    """

    key: str
    listeners: tuple[tuple[Listener, Gateway], ...]
    whole: bool
    kind: str = "Gateway"
    pods: Labels = field(default_factory=dict, hash=False)
    accepts: Chosen = NOBODY
    account: str = ""


def gateway(resource: Resource, findings: Findings) -> Entrance | Classed:
    spec = resource.body.need("spec")
    several = spec.list("listeners")
    if not several:
        raise spec.problem("a Gateway needs at least one listener")
    check(several)
    name = spec.need("gatewayClassName", f"gatewayClassName: {CLASS}")
    return _entrance(resource, CLASS, findings) if name.text() == CLASS else Classed(resource, name)


def classed(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Iterator[Entrance]:
    """All Gateways; those of a class that is not known to be istiod's have no listeners."""
    own = istiods(parts)
    for one in parts:
        if isinstance(one, Entrance):
            yield one
        elif isinstance(one, Classed):
            yield _of_its_class(mesh, one, own, findings)


def _of_its_class(mesh: Mesh, one: Classed, own: Collection[str], findings: Findings) -> Entrance:
    resource, name = one.resource, one.name.text()
    made = Entrance(f"{resource.namespace}/{resource.name}", (), False)
    with findings.about(resource, touches(resource, mesh)):
        if name in own:
            made = _entrance(resource, name, findings)
        else:
            findings.unproved(one.name.location, f"a Gateway of class {name} is not modelled")
    return made


def _entrance(resource: Resource, name: str, findings: Findings) -> Entrance:
    spec = resource.body.need("spec")
    key, several = f"{resource.namespace}/{resource.name}", spec.list("listeners")
    kinds = [one.get("type") for one in spec.list("addresses")]
    if len(kinds) > 1 or any(kind and kind.text() != "IPAddress" for kind in kinds):
        why = "a Gateway that pods of a Service of its own serve is not modelled"
        findings.unproved(spec.need("addresses").location, why)
        return Entrance(key, (), False)
    findings.unmodelled(spec, "tls", "backendTLS", "defaultScope")
    infrastructure = spec.get("infrastructure")
    findings.unmodelled(infrastructure, "parametersRef")
    pods, account = _pods(resource, name, labels(infrastructure, "labels")), _account(resource, name)
    found: list[tuple[Listener, Gateway]] = []
    for value in several:
        with findings.within(Entering(key, value.need("port").whole(), alone=True)):
            made = listener(value, resource, findings)
        if made is not None:
            found.append((made, standing_for(made, resource, pods, account)))
    # What istiod makes of one Gateway is equally old, and in the order of the names.
    found.sort(key=lambda one: one[0].section)
    allowed = spec.get("allowedListeners")
    accepts = chosen(allowed.get("namespaces") if allowed else None, resource.namespace, "None")
    whole = len(found) == len(several)
    return Entrance(key, tuple(found), whole, pods=pods, accepts=accepts, account=account)


def certificates(mesh: Mesh, entrance: Entrance, findings: Findings) -> None:
    """Say where a listener's Secret is in another namespace alone: istiod gives it no certificate."""
    for _, one in entrance.listeners:
        for server in one.servers:
            name = server.tls.credential_name
            there = [secret.namespace for secret in mesh.secrets_called(name)] if name else []
            place = server.tls.credential_namespace
            if there and place not in there:
                why = f"the Secret {name} is in {' and '.join(there)}, not in {place}: it has no certificate"
                where = server.tls.location or server.location
                reach = (Entering(one.owner, server.port, alone=True),)
                part = Unmodelled("Gateway", f"Gateway {one.called}", where, why, reach, refused=True)
                findings.unmodelled_parts.append(part)


def _pods(resource: Resource, name: str, own: Labels) -> Labels:
    return {
        **own,
        f"{DOMAIN}/gateway-name": resource.name,
        f"{DOMAIN}/gateway-class-name": name,
        OWN_PODS: f"{resource.namespace}/{resource.name}",
    }


def _account(resource: Resource, name: str) -> str:
    """The ServiceAccount that istiod makes for the pods of a Gateway; empty where its class may call it otherwise.

    Source: istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go.
    """
    said = labels(resource.body.get("metadata"), "annotations").get("gateway.istio.io/service-account")
    return said or (f"{resource.name}-{name}" if name == CLASS else "")


def standing_for(made: Listener, resource: Resource, pods: Labels, account: str) -> Gateway:
    """The Gateway of the mesh that a listener is."""
    return Gateway(
        resource.name,
        resource.namespace,
        pods,
        (made.server,),
        resource.location,
        created(resource),
        listener=made.section,
        account=account,
    )


def opened(mesh: Mesh, one: Entrance, asking: Collection[str], findings: Findings) -> Entrance:
    """The same, its listeners for the namespaces that they select; `asking` are those that have routes."""
    kept: list[tuple[Listener, Gateway]] = []
    for each, made in one.listeners:
        found = each.allowed
        if found.selector and (unknown := untold(mesh, found, asking)):
            text = f"no Namespace {' and '.join(unknown)} is among these manifests"
            why = f"{text}: whether its labels are selected is not known"
            reach = (Entering(made.owner, each.server.port, alone=True),)
            part = Unmodelled(one.kind, f"{one.kind} {one.key}", found.selector.location, why, reach, WRITE)
            findings.unmodelled_parts.append(part)
            continue
        ready = taking(each, names(mesh, found, asking))
        kept.append((ready, replace(made, servers=(ready.server,))))
    return replace(one, listeners=tuple(kept), whole=one.whole and len(kept) == len(one.listeners))
