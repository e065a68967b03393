"""Which DestinationRule a proxy sees, and the policy that it makes for one cluster.

After istio/istio pilot/pkg/model/push_context.go (destinationRule), destination_rule.go (the merging
of several rules for a host) and pilot/pkg/networking/util/util.go (MergeSubsetTrafficPolicy).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from meshproof.envoy.hosts import matches, specificity
from meshproof.mesh.model.destination_rule import DestinationRule, LoadBalancer, Subset, TrafficPolicy
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service
from meshproof.mesh.model.mesh import Mesh

NOTHING = TrafficPolicy()


@dataclass(frozen=True, slots=True)
class Merged:
    """What all rules for a host come to: subsets in order, and the policy of the host as a whole."""

    subsets: tuple[Subset, ...] = ()
    policy: TrafficPolicy = NOTHING

    def subset(self, name: str) -> Subset | None:
        return next((subset for subset in self.subsets if subset.name == name), None)


def applicable(rules: Iterable[DestinationRule], host: str) -> tuple[DestinationRule, ...]:
    """The rules of the most specific host that covers `host`."""
    covering = [rule for rule in rules if matches(rule.host, host)]
    if not covering:
        return ()
    best = max((rule.host for rule in covering), key=specificity)
    return tuple(rule for rule in covering if rule.host == best)


def visible(mesh: Mesh, service: Service, namespace: str) -> tuple[DestinationRule, ...]:
    """The rules for a service as a client in `namespace` gets them: its own, else the service's, else the mesh's."""
    places = [namespace] if namespace != ROOT_NAMESPACE else []
    for place in (*places, service.namespace, ROOT_NAMESPACE):
        found = applicable(mesh.rules_in(place, service.host), service.host)
        if found:
            return found
    return ()


def merged(mesh: Mesh, service: Service, namespace: str) -> Merged:
    """Several rules for one host: subsets together, the first of a name wins, as does the first policy."""
    rules = visible(mesh, service, namespace)
    subsets: dict[str, Subset] = {}
    for rule in rules:
        for subset in rule.subsets:
            subsets.setdefault(subset.name, subset)
    policy = next((rule.policy for rule in rules if rule.policy != NOTHING), NOTHING)
    return Merged(tuple(subsets.values()), policy)


def at_port(policy: TrafficPolicy, port: int) -> tuple[TrafficPolicy, bool]:
    """The policy for one port; a port's own settings inherit nothing (True says that there are any)."""
    own = policy.ports.get(port)
    return (policy, False) if own is None else (own, True)


def effective(rule: TrafficPolicy, subset: TrafficPolicy | None, port: int) -> TrafficPolicy:
    """The policy of a cluster: the subset's settings replace the rule's, one whole setting at a time."""
    base, _ = at_port(rule, port)
    if subset is None:
        return replace(base, ports={})
    own, by_port = at_port(subset, port)
    balanced = own.load_balancer is not LoadBalancer.UNSPECIFIED
    return TrafficPolicy(
        load_balancer=own.load_balancer if balanced or by_port else base.load_balancer,
        connection_pool=own.connection_pool if own.connection_pool or by_port else base.connection_pool,
        outlier_detection=own.outlier_detection if own.outlier_detection or by_port else base.outlier_detection,
    )
