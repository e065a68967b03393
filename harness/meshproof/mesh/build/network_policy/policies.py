"""Reads the NetworkPolicies of a folder: which connections some policy lets through for certain.

Policies for a pod add up: what one of them lets through no other one takes back. So a request is touched by a policy
for pods that it meets unless one for the same pods is known to let it through. What is not read here (blocks of
addresses, expressions about labels) lets nothing through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.network_policy.checks import check
from meshproof.mesh.build.workloads.namespaces import Selector, namespace_selector
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.network_policy import EVERYWHERE, LetThrough, NetworkPolicy, Peer
from meshproof.mesh.model.unmodelled import Everything, Guarded, Touches

KIND = "NetworkPolicy"
INGRESS, EGRESS = "Ingress", "Egress"
DROPS = "drops what no policy for its pods is known to let through"


def is_network_policy(resource: Resource) -> bool:
    """Whether it is one of Kubernetes' own."""
    return resource.kind == KIND and resource.api_version == "networking.k8s.io/v1"


class Policies:
    """The policies of a folder, by direction."""

    def __init__(self, resources: Sequence[Resource], mesh: Mesh) -> None:
        self._read: dict[int, tuple[tuple[str, NetworkPolicy], ...]] = {}
        beside: dict[tuple[str, str], list[NetworkPolicy]] = {}
        for one in resources:
            if is_network_policy(one):
                with contextlib.suppress(ManifestError):
                    self._read[id(one)] = tuple(_directions(one, mesh))
        for direction, policy in (both for several in self._read.values() for both in several):
            beside.setdefault((direction, policy.namespace), []).append(policy)
        self._beside = {key: tuple(several) for key, several in beside.items()}

    def touches(self, resource: Resource) -> tuple[Touches, ...]:
        """The requests that a policy may drop; all where it cannot be read."""
        own = self._read.get(id(resource))
        if own is None:
            return (Everything(),)
        return tuple(
            Guarded(one.namespace, one.labels, self._beside[way, one.namespace], way == EGRESS) for way, one in own
        )


def _directions(resource: Resource, mesh: Mesh) -> Iterator[tuple[str, NetworkPolicy]]:
    spec = resource.body.need("spec")
    check(spec)
    selector, types = spec.get("podSelector"), [one.text() for one in spec.list("policyTypes")]
    chosen, further = labels(selector, "matchLabels"), bool(selector and selector.list("matchExpressions"))
    for direction, field, source in ((INGRESS, "ingress", "from"), (EGRESS, "egress", "to")):
        given = direction in types if types else direction == INGRESS or bool(spec.list(field))
        if given:
            rules = tuple(_rule(one, source, resource.namespace, mesh) for one in spec.list(field))
            yield direction, NetworkPolicy(resource.namespace, chosen, rules, further)


def _rule(value: Value, source: str, own: str, mesh: Mesh) -> LetThrough:
    peers, ports = value.list(source), value.list("ports")
    return LetThrough(
        tuple(peer for one in peers for peer in _peer(one, own, mesh)) if peers else None,
        tuple(port for one in ports for port in _port(one)) if ports else None,
    )


def _peer(value: Value, own: str, mesh: Mesh) -> Iterator[Peer]:
    namespaces, pods = value.get("namespaceSelector"), value.get("podSelector")
    if value.get("ipBlock") or (pods and pods.list("matchExpressions")):
        return
    yield Peer(_namespaces(namespaces, mesh) if namespaces else (own,), labels(pods, "matchLabels"))


def _namespaces(value: Value, mesh: Mesh) -> tuple[str, ...]:
    """Those that are selected for certain: of others than those of the manifests only the names are known."""
    if not labels(value, "matchLabels") and not value.list("matchExpressions"):
        return EVERYWHERE
    selector = namespace_selector(value)
    # A name that the selector names is known, whoever stands in that namespace.
    known = (
        {**{name: {} for name in _named(selector, mesh)}, **mesh.namespaces} if selector.by_name else mesh.namespaces
    )
    return tuple(name for name, own in known.items() if selector.holds(name, own)) or ("~",)


def _named(selector: Selector, mesh: Mesh) -> Iterator[str]:
    yield from (value for _, value in selector.labels)
    yield from (value for _, _, values in selector.expressions for value in values)
    yield from (one.namespace for one in mesh.workloads)
    yield from (one.namespace for one in mesh.services)
    yield from (mesh.pods_of(one)[0] for one in mesh.gateways)


def _port(value: Value) -> Iterator[tuple[int, int] | str]:
    protocol, port, last = value.get("protocol"), value.get("port"), value.get("endPort")
    if protocol and protocol.text() not in ("", "TCP"):
        return
    if port is None:
        yield 1, 65535
    elif isinstance(port.data, str):
        yield port.data
    else:
        number = port.whole()
        yield number, last.whole() if last else number
