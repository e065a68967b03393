"""ListenerSets: further listeners of a Gateway, as further Gateways of the mesh that the same pods serve.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#listenerset; what istiod makes of them:
pilot/pkg/config/kube/gateway/gateway_collection.go (ListenerSetCollection), and which Gateways take them:
pilot/pkg/config/kube/gatewaycommon (NamespaceAcceptedByAllowListeners).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.gateway import Entrance, standing_for
from meshproof.mesh.build.gateway_api.listener import HTTP, HTTPS, Listener, check, listener
from meshproof.mesh.build.gateway_api.parents import GATEWAY, GATEWAY_API, LISTENER_SET
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Entering

# Protocols of which a port may have several listeners, as long as their hostnames differ.
SHARING = frozenset({HTTP, HTTPS})


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


def joined(sets: Sequence[ListenerSet], gateways: Iterable[Entrance], findings: Findings) -> list[Entrance]:
    """What the ListenerSets add, each as an entrance of its own."""
    known = {one.key: one for one in gateways}
    made: list[Entrance] = []
    for one in sets:
        with findings.about(one.resource, (Entering(one.parent),)):
            made.append(_entrance(one, known, made, findings))
    return made


def _entrance(one: ListenerSet, known: dict[str, Entrance], before: Sequence[Entrance], findings: Findings) -> Entrance:
    nothing = Entrance(one.key, (), False, kind=LISTENER_SET)
    where, namespace = one.resource.location, one.resource.namespace
    if not one.parent:
        return nothing
    parent = known.get(one.parent)
    if parent is None:
        findings.unproved(where, f"the Gateway {one.parent} is not among these manifests", topic=Topic.PARENT_MISSING)
        return nothing
    if parent.accepts is None:
        findings.unproved(where, f"which namespaces' ListenerSets Gateway {one.parent} takes is not read")
        return nothing
    if not {"", namespace} & set(parent.accepts):
        text = f"Gateway {one.parent} takes no ListenerSets of {namespace} (allowedListeners): istiod opens none of it"
        findings.notice(where, text, Topic.LISTENER)
        return Entrance(one.key, (), True, kind=LISTENER_SET)
    if namespace != one.parent.partition("/")[0] or one.key in known:
        why = "a ListenerSet of another namespace, or of the name of a Gateway, is not modelled"
        findings.unproved(where, why)
        return nothing
    siblings = [other for other in before if other.pods == parent.pods]
    taken = [(listener, gateway) for other in (parent, *siblings) for listener, gateway in other.listeners]
    found: list[tuple[Listener, Gateway]] = []
    whole = True
    for value in one.listeners:
        with findings.within(Entering(one.parent, value.need("port").whole())):
            made = listener(value, one.resource, findings)
            if made is not None and any(_conflict(made, other) for other, _ in taken):
                findings.unproved(value.location, f"another listener of Gateway {one.parent} has the same place")
                made = None
        whole = whole and made is not None
        if made is not None:
            found.append((made, standing_for(made, one.resource, parent.pods)))
    found.sort(key=lambda pair: pair[0].section)
    return Entrance(one.key, tuple(found), whole, kind=LISTENER_SET, pods=parent.pods)


def _conflict(one: Listener, other: Listener) -> bool:
    """Whether istiod may leave out one of two listeners for the other."""
    if one.server.port != other.server.port:
        return False
    alike = one.server.protocol == other.server.protocol and one.server.protocol in SHARING
    return not alike or one.hostname == other.hostname
