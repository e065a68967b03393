"""Whether NetworkPolicies are known to let a request through to all pods that it meets."""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.border.expectation import Arm, Copy
from meshproof.mesh.coverage.facts import Facts
from meshproof.mesh.model.ambient import MODE, REVISION
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Workload, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.network_policy import EVERYWHERE, LetThrough, Peer
from meshproof.mesh.model.unmodelled import Guarded
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

AMBIENT = "ambient"
# The labels of its pods in Istio's own charts, and the port from which proxies get their configuration.
ISTIOD: tuple[str, Labels] = (ROOT_NAMESPACE, {"app": "istiod", "istio": "pilot", REVISION: "default"})
CONFIGURATION = 15012


def may_be_dropped(mesh: Mesh, guard: Guarded, found: Facts) -> bool:
    """Whether a request meets pods of the guard to which, or from which, it may not get."""
    if _is_guarded(guard, *ISTIOD) and not _is_served(guard):
        return True
    if guard.egress:
        # A pod that cannot get out to istiod has no configuration: it counts for who receives, too.
        return any(_is_guarded(guard, *pod) and not is_open(guard, *pod) for pod in found.pods)
    if found.gateway != MESH_GATEWAY and _is_guarded(guard, *found.client) and not is_open(guard, *found.client):
        return True
    if found.expectation is None:
        return any(_is_guarded(guard, *pod) for pod in found.pods[1:])
    targets: tuple[Arm | Copy, ...] = (*found.expectation.arms, *found.expectation.copies)
    within = (one for one in targets if (service := mesh.service(one.host)) is None or not service.is_outside)
    reached = ((mesh.workload(key), one.target) for one in within for key in one.workloads)
    return any(
        _is_guarded(guard, pod.namespace, pod.labels) and not _let_in(mesh, guard, pod, port, found)
        for pod, port in reached
        if pod is not None
    )


def _is_guarded(guard: Guarded, namespace: str, labels: Labels) -> bool:
    """Whether it may be for pods with these labels in their template."""
    return namespace == guard.namespace and may_carry(labels, guard.labels)


def is_open(guard: Guarded, namespace: str, labels: Labels) -> bool:
    """Whether a policy for a pod lets everything through."""
    return any(rule.is_all for one in guard.policies if one.is_for(namespace, labels) for rule in one.rules)


def _is_served(guard: Guarded) -> bool:
    """Whether all pods get their configuration of istiod, which the policies are for."""
    if guard.egress:
        return is_open(guard, *ISTIOD)
    rules = (rule for one in guard.policies if one.is_for(*ISTIOD) for rule in one.rules)
    anyone = (None, (Peer(EVERYWHERE),))
    return any(one.peers in anyone and _is_among(one, CONFIGURATION, frozenset()) for one in rules)


def _let_in(mesh: Mesh, guard: Guarded, pod: Workload, port: int, found: Facts) -> bool:
    if AMBIENT in (pod.labels.get(MODE), mesh.namespaces.get(pod.namespace, {}).get(MODE)):
        # What comes to such pods comes to the port of their node's proxy.
        return False
    own = (one for one in guard.policies if one.is_for(pod.namespace, pod.labels))
    return any(_is_from(mesh, rule, found) and _is_to(rule, pod, port) for one in own for rule in one.rules)


def _is_from(mesh: Mesh, rule: LetThrough, found: Facts) -> bool:
    if rule.peers is None:
        return True
    gateway = mesh.gateway(found.gateway)
    if gateway and not mesh.knows_pods_of(gateway):
        # Where its pods stand is not told.
        return False
    if any(one.on_host for one in (mesh.serving(gateway) if gateway else _clients(mesh, *found.client))):
        # What they send has the address of a Node: no selector is for that.
        return False
    return any(one.is_one(*found.client) for one in rule.peers)


def _clients(mesh: Mesh, namespace: str, labels: Labels) -> Iterable[Workload]:
    """The workloads on their Nodes' networks that a client may be one of."""
    there = mesh.once(("coverage", "on host"), lambda: tuple(one for one in mesh.workloads if one.on_host))
    return (one for one in there if one.namespace == namespace and labels and labels.items() <= one.labels.items())


def _is_to(rule: LetThrough, pod: Workload, port: int) -> bool:
    return _is_among(rule, port, frozenset(one.name for one in pod.ports if one.number == port))


def _is_among(rule: LetThrough, port: int, names: frozenset[str]) -> bool:
    return rule.ports is None or any(
        one in names if isinstance(one, str) else one[0] <= port <= one[1] for one in rule.ports
    )
