"""ListenerSets: further listeners of a Gateway, as further Gateways of the mesh that the same pods serve.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#listenerset; what istiod makes of them:
pilot/pkg/config/kube/gateway/gateway_collection.go (ListenerSetCollection), which Gateways take them, and which
listeners are in each other's way: pilot/pkg/config/kube/gatewaycommon (NamespaceAcceptedByAllowListeners,
ComputeGatewayListenerConflicts).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.gateway import Entrance, standing_for
from meshproof.mesh.build.gateway_api.listeners.listener import ANY, HTTP, HTTPS, TLS, Listener, check, listener
from meshproof.mesh.build.gateway_api.listeners.namespaces import names, untold
from meshproof.mesh.build.gateway_api.parents import GATEWAY, GATEWAY_API, LISTENER_SET
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Entering
from meshproof.records import dataclass

# Protocols of which a port may have several listeners, as long as their hostnames differ.
SHARING = frozenset({HTTP, HTTPS, TLS})


@dataclass(frozen=True, slots=True)
class ListenerSet:
    """One ListenerSet; `parent` is the key of its Gateway, empty where its parent is something else."""

    resource: Resource
    parent: str
    listeners: tuple[Value, ...]

    @property
    def key(self) -> str:
        return f"{self.resource.namespace}/{self.resource.name}"


def listener_set(resource: Resource, findings: Findings) -> ListenerSet:
    spec = resource.body.need("spec")
    reference = spec.need("parentRef", "the Gateway that the listeners are for")
    several = spec.list("listeners")
    if not several:
        raise spec.problem("a ListenerSet needs at least one listener")
    check(several)
    group, kind, place = reference.get("group"), reference.get("kind"), reference.get("namespace")
    if (group.text() if group else GATEWAY_API, kind.text() if kind else GATEWAY) != (GATEWAY_API, GATEWAY):
        findings.notice(
            reference.location, "istiod knows no other parent of a ListenerSet than a Gateway", Topic.PARENT
        )
        return ListenerSet(resource, "", tuple(several))
    namespace = place.text() if place else resource.namespace
    return ListenerSet(resource, f"{namespace}/{reference.need('name').text()}", tuple(several))


def joined(mesh: Mesh, sets: Sequence[ListenerSet], gateways: Iterable[Entrance], findings: Findings) -> list[Entrance]:
    """The Gateways, and what the ListenerSets add to them, each as an entrance of its own."""
    made = [*gateways]
    known = {one.key: one for one in made}
    asking = {one.resource.namespace for one in sets}
    # Of listeners that are in each other's way the Gateway's comes first, then that of the oldest.
    for one in sorted(sets, key=lambda one: (not created(one.resource), created(one.resource), one.key)):
        with findings.about(one.resource, (Entering(one.parent, alone=True),)):
            made.append(_entrance(mesh, one, known, made, asking, findings))
    return made


def _entrance(
    mesh: Mesh,
    one: ListenerSet,
    known: dict[str, Entrance],
    before: Sequence[Entrance],
    asking: Collection[str],
    findings: Findings,
) -> Entrance:
    nothing = Entrance(one.key, (), False, kind=LISTENER_SET)
    where, namespace = one.resource.location, one.resource.namespace
    if not one.parent:
        return nothing
    parent = known.get(one.parent)
    if parent is None:
        findings.unproved(where, f"the Gateway {one.parent} is not among these manifests", topic=Topic.PARENT_MISSING)
        return nothing
    if not parent.listeners and not parent.whole:
        # Why nothing is known of the Gateway has been said of it.
        return nothing
    if namespace in untold(mesh, parent.accepts, asking):
        why = f"no Namespace {namespace} is among these manifests: whether Gateway {one.parent} takes it is not known"
        findings.unproved(where, why, needs="write the Namespace")
        return nothing
    if not {"", namespace} & {*names(mesh, parent.accepts, asking)}:
        text = f"Gateway {one.parent} takes no ListenerSets of {namespace} (allowedListeners): istiod opens none of it"
        findings.notice(where, text, Topic.LISTENER)
        return Entrance(one.key, (), True, kind=LISTENER_SET)
    if one.key in known:
        findings.unproved(where, "a ListenerSet of the name of a Gateway is not modelled")
        return nothing
    siblings = [other for other in before if other.pods == parent.pods]
    taken = [listener for other in siblings for listener, _ in other.listeners]
    found: list[tuple[Listener, Gateway]] = []
    whole = True
    for value in one.listeners:
        with findings.within(Entering(one.parent, value.need("port").whole(), alone=True)):
            made = listener(value, one.resource, findings)
            whole = whole and made is not None
            if made is None:
                continue
            if any(_conflict(made, other) for other in taken):
                text = f"another listener of Gateway {one.parent} has its place: istiod does not open it"
                findings.notice(value.location, text, Topic.LISTENER)
                continue
            taken.append(made)
            found.append((made, standing_for(made, one.resource, parent.pods, parent.account)))
    found.sort(key=lambda pair: pair[0].section)
    return replace(nothing, listeners=tuple(found), whole=whole, pods=parent.pods)


def _conflict(one: Listener, other: Listener) -> bool:
    """Whether two listeners are in each other's way: on one port, and not told apart by their hostnames."""
    if one.server.port != other.server.port:
        return False
    alike = {one.server.protocol, other.server.protocol} <= SHARING
    return not alike or (one.hostname or ANY) == (other.hostname or ANY)
