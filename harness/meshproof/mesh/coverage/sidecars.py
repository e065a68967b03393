"""What the sidecars of called pods know of a request: who sends it and what it carries; and whether there are any."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain

from meshproof.border.expectation import Arm, Copy
from meshproof.mesh.coverage.facts import Facts
from meshproof.mesh.coverage.guarded import AMBIENT
from meshproof.mesh.model.ambient import MODE, has_sidecar, is_closed
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Labels, Service, ServicePort, Workload, key_of, keys_of, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.identity import NOBODY, TRUST_DOMAIN, Identity
from meshproof.mesh.model.security.peer_authentication import PeerMode
from meshproof.mesh.model.security.peer_authentication import taken as taken_on
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

# What a pod says for itself of whether it takes mutual TLS, and what it says if it does.
TLS_MODE, MUTUAL = "security.istio.io/tlsMode", "istio"


def carries_out(mesh: Mesh, pod: Workload, target: Arm | Copy) -> bool | None:
    """Whether a sidecar carries out policies before these pods; None: that is not told."""
    if pod.in_pods:
        if pod.inbound is not None and not target.target:
            return None
        past = pod.inbound is not None and pod.inbound.is_past(target.target)
        return not past and has_sidecar(mesh.namespaces, pod)
    service = mesh.service(target.host)
    return False if service is not None and service.is_outside else None


def is_ambient(mesh: Mesh, pod: Workload) -> bool:
    """Whether pods are in ambient mode, where no sidecar is."""
    return AMBIENT in (pod.labels.get(MODE), mesh.namespaces.get(pod.namespace, {}).get(MODE))


def reads_http(mesh: Mesh, pod: Workload, target: Arm | Copy) -> bool:
    """Whether the sidecar of pods surely reads what comes to their port as HTTP.

    Of several Services for the pods the oldest one's first port says what it carries, and manifests do not tell which:
    istio/istio pilot/pkg/networking/core/listener_inbound.go.
    """
    service = mesh.service(target.host)
    called = [one for one in service.ports if one.number == target.port] if service else []
    if is_ambient(mesh, pod):
        return False
    several = ((port for port in one.ports if _leads(port, pod, target.target)) for one in _selecting(mesh, pod))
    deciding = (next(ports, None) for ports in several)
    return bool(called) and all(one is None or one.is_http or one.sniffed for one in (*called, *deciding))


def _leads(port: ServicePort, pod: Workload, number: int) -> bool:
    if isinstance(port.target, int):
        return port.target == number
    return any(one.name == port.target and one.number == number for one in pod.ports)


def _selecting(mesh: Mesh, pod: Workload) -> Iterable[Service]:
    """The Services that select pods, or may."""
    by_label = mesh.once(
        ("coverage", "services by label"),
        lambda: grouped(((one.namespace, key_of(one.selector)), one) for one in mesh.services if one.selector),
    )
    near = chain.from_iterable(by_label.get((pod.namespace, key), ()) for key in keys_of(pod.labels))
    return (one for one in near if may_carry(pod.labels, one.selector))


def sender(mesh: Mesh, pod: Workload, target: Arm | Copy, found: Facts) -> Identity | None:
    """Who sends it by the certificate that is shown; None: that is not told.

    Proxies speak mutual TLS to whoever has a sidecar, and to a headless Service where all of its pods have one, but not
    where a namespace takes plain text alone, whatever its pods say (istio/istio
    pilot/pkg/networking/core/cluster_tls.go, pilot/pkg/model/push_context.go).
    """
    if target.policy.plain_text:
        return NOBODY
    gateway = None if found.gateway == MESH_GATEWAY else mesh.gateway(found.gateway)
    if found.gateway == MESH_GATEWAY:
        place, labels = found.client
        at = ("coverage", "who", place, *sorted(labels.items()))
        who = mesh.once(at, lambda: _client(mesh, place, labels))
    elif gateway is None or not mesh.knows_pods_of(gateway):
        who = None
    else:
        who = Identity(found.client[0], gateway.account or _account(mesh.serving(gateway)), _trust_domain(mesh))
    return who if who == NOBODY or _is_mutual(mesh, pod, target) else None


def _is_mutual(mesh: Mesh, pod: Workload, target: Arm | Copy) -> bool:
    """Whether a proxy surely shows its certificate to pods that have a sidecar."""
    service = mesh.service(target.host)
    if service is None or service.hostname or not pod.in_pods or is_ambient(mesh, pod):
        return False
    # The pods of a headless Service are called alike.
    alike = mesh.behind(service) if service.headless else ()
    if not all(one.in_pods and has_sidecar(mesh.namespaces, one) and _takes(one) for one in alike):
        return False
    if isinstance(target, Arm) and target.tls is not None:
        return False
    policies = mesh.peer_authentications
    # What a client has of a namespace counts before what is for some of its pods alone.
    modes = {taken_on(policies, pod.namespace, own, target.target)[0] for own in (pod.labels, {})}
    own = [one.selector for one in policies if one.namespace == pod.namespace and one.selector]
    unsure = any(may_carry(pod.labels, one) and not one.items() <= pod.labels.items() for one in own)
    return (
        PeerMode.DISABLE not in modes and not unsure and _takes(pod) and _given(mesh).get("enableAutoMtls") is not False
    )


def _takes(pod: Workload) -> bool:
    return pod.labels.get(TLS_MODE, MUTUAL) == MUTUAL


def _client(mesh: Mesh, namespace: str, labels: Labels) -> Identity | None:
    around = mesh.namespaces.get(namespace, {})
    senders = [one for one in _in(mesh, namespace) if labels and labels.items() <= one.labels.items()]
    if AMBIENT in (around.get(MODE), *(one.labels.get(MODE) for one in senders)):
        return None
    beside = {has_sidecar(mesh.namespaces, one) for one in senders} or {not is_closed(around)}
    if True not in beside:
        return NOBODY
    return None if False in beside else Identity(namespace, _account(senders), _trust_domain(mesh))


def _in(mesh: Mesh, namespace: str) -> tuple[Workload, ...]:
    grouped_by = mesh.once(
        ("coverage", "workloads by namespace"), lambda: grouped((one.namespace, one) for one in mesh.workloads)
    )
    return tuple(grouped_by.get(namespace, ()))


def _account(senders: Iterable[Workload]) -> str:
    """The one ServiceAccount of these pods; empty where there are several, or it is not told."""
    several = {one.account for one in senders}
    return several.pop() if len(several) == 1 else ""


def _trust_domain(mesh: Mesh) -> str:
    return "" if {"trustDomain", "trustDomainAliases"} & _given(mesh).keys() else TRUST_DOMAIN


def _given(mesh: Mesh) -> dict[str, object]:
    return mesh.once(("coverage", "given"), lambda: dict(json.loads(mesh.config.given or "{}")))
