"""Pods without a sidecar, whose requests no rule within the mesh decides: in ambient mode, or by what they say.

In ambient mode ztunnel carries what they send and receive, and reads connections alone. Who is in it: istio/istio
cni/pkg/util/podutil.go and enablement_selector.go (a pod's own label goes before its namespace's, and a sidecar before
both).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.injection import is_closed, without_sidecar
from meshproof.mesh.build.workloads.workload import ALONE, FORMS
from meshproof.mesh.model.ambient import INJECT, INJECTION, MODE
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.security.authorization import Attribute, AuthorizationPolicy, is_near
from meshproof.mesh.model.security.peer_authentication import PeerMode
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Pods, Role, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.records import dataclass

AMBIENT, REVISION = "ambient", "istio.io/rev"
SENDING = "its pods are in ambient mode: for what they send rules count in a waypoint alone, not in a sidecar"
RECEIVING = "of its rules on HTTP ztunnel makes refusals of whole connections: pods in ambient mode have no sidecar"
# What ztunnel knows of a connection.
KNOWN = frozenset({Attribute.PORT, Attribute.ADDRESS, Attribute.DESTINATION, Attribute.IDENTITY})


@dataclass(frozen=True, slots=True)
class Group:
    """Pods of a namespace with these labels that no sidecar stands beside, what says so, and why that counts."""

    resource: Resource
    location: Location
    namespace: str
    labels: Labels
    why: str = SENDING


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say what of their requests no sidecar decides."""
    policies = [one for one in mesh.authorization_policies if one.targets is None and _is_on_http(one)]
    ruled = _is_ruled(mesh)
    for group in _groups(mesh.namespaces, resources) if ruled or policies else ():
        if ruled:
            _say(group, group.why, group.labels, Role.SENDS, findings)
        for policy in policies:
            wanted = policy.selector or {}
            if is_near(policy, group.namespace) and _meet(wanted, group.labels):
                name = f"AuthorizationPolicy {policy.namespace}/{policy.name} ({policy.location})"
                _say(group, f"{name}: {RECEIVING}", {**group.labels, **wanted}, Role.RECEIVES, findings)
    for group in _alone(mesh, resources) if ruled or _is_strict(mesh) else ():
        _say(group, group.why, group.labels, Role.SENDS, findings, Topic.NO_SIDECAR)


def _alone(mesh: Mesh, resources: Iterable[Resource]) -> Iterator[Group]:
    """Pods that pass their sidecar by, or get none by what they or their namespace say, and are in no ambient mode.

    Of those without labels none is told from a client that has a sidecar.
    """
    places = {one.location: one for one in mesh.workloads if one.bypass and one.labels}
    for one in resources:
        if one.kind == "Namespace" and is_closed(one) and mesh.namespaces.get(one.name, {}).get(MODE) != AMBIENT:
            said = at(one.body, ("metadata", "labels", INJECTION))
            yield Group(one, _place(said) if said else one.location, one.name, {}, ALONE)
        elif (found := places.get(one.location)) and one.kind in FORMS:
            around = mesh.namespaces.get(one.namespace, {})
            if found.labels.get(MODE, around.get(MODE)) != AMBIENT:
                yield Group(one, one.location, one.namespace, found.labels, found.bypass)


def _say(group: Group, why: str, own: Labels, role: Role, findings: Findings, topic: str = "") -> None:
    one = group.resource
    name = f"{one.kind} {one.name}" if one.kind == "Namespace" else str(one)
    touches = (Pods(group.namespace, own, frozenset({role})),)
    findings.unmodelled_parts.append(Unmodelled(one.kind, name, group.location, why, touches, topic=topic))


def _is_ruled(mesh: Mesh) -> bool:
    """Whether a sidecar would do more with what is sent than pass it on to the pods of whom it calls."""
    closed = mesh.config.outbound is OutboundMode.REGISTRY_ONLY
    return bool(closed or mesh.sidecars or mesh.destination_rules or mesh.bound_to(MESH_GATEWAY))


def _is_strict(mesh: Mesh) -> bool:
    """Whether any pods take mutual TLS alone, which nobody without a sidecar speaks."""
    return any(PeerMode.STRICT in (one.mode, *one.ports.values()) for one in mesh.peer_authentications)


def _groups(namespaces: Mapping[str, Labels], resources: Iterable[Resource]) -> Iterator[Group]:
    for one in resources:
        if one.kind == "Namespace":
            own = namespaces.get(one.name, {})
            said = at(one.body, ("metadata", "labels", MODE))
            if said and own.get(MODE) == AMBIENT and not _injects(own):
                yield Group(one, _place(said), one.name, {})
        elif one.kind in FORMS:
            yield from _own(one, namespaces.get(one.namespace, {}))


def _own(resource: Resource, around: Labels) -> Iterator[Group]:
    """The pods of a workload where they are in ambient mode by what they say themselves."""
    metadata = at(resource.body, (*FORMS[resource.kind].template, "metadata"))
    own = labels(metadata, "labels") if metadata else {}
    closed = around.get(INJECTION) == "disabled"
    injected = not without_sidecar(resource, closed) and (_injects(around) or own.get(INJECT) == "true")
    if injected or own.get(MODE, around.get(MODE)) != AMBIENT:
        return
    said = at(resource.body, (*FORMS[resource.kind].template, "metadata", "labels", MODE))
    # By its namespace's label alone they are told with all others of it.
    if said or _injects(around):
        yield Group(resource, _place(said) if said else resource.location, resource.namespace, own)


def _place(said: Value) -> Location:
    return said.key or said.location


def _injects(own: Labels) -> bool:
    return own.get(INJECTION) == "enabled" or bool(own.get(REVISION))


def _is_on_http(policy: AuthorizationPolicy) -> bool:
    for rule in policy.rules:
        several = (*rule.sources, *rule.operations, rule.when)
        if any(condition.attribute not in KNOWN for each in several for condition in each):
            return True
    return False


def _meet(wanted: Labels, own: Labels) -> bool:
    return all(own.get(name, value) == value for name, value in wanted.items())
