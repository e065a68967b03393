"""Which DestinationRule a proxy sees, and the policy that it makes for one cluster.

After istio/istio pilot/pkg/model/push_context.go (setDestinationRules, destinationRule), sidecar.go (DestinationRule),
destination_rule.go (the merging of several rules for a host) and pilot/pkg/networking/util/util.go
(MergeSubsetTrafficPolicy).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshproof.envoy.hosts import matches, specificity
from meshproof.envoy.node import Proxy
from meshproof.envoy.visibility import PRIVATE, PUBLIC, by_creation
from meshproof.mesh.model.destination_rule import DestinationRule, LoadBalancer, Subset, TrafficPolicy
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

NOTHING = TrafficPolicy()
OWN = frozenset({PRIVATE})


@dataclass(frozen=True, slots=True)
class Merged:
    """What all rules for a host come to: subsets in order, and the policy of the host as a whole.

    `selecting` tells that they are for the labels of this client.
    """

    subsets: tuple[Subset, ...] = ()
    policy: TrafficPolicy = NOTHING
    selecting: bool = False

    def subset(self, name: str) -> Subset | None:
        for one in self.subsets:
            if one.name == name:
                return one
        return None


@dataclass(slots=True)
class Consolidated:
    """istiod's ConsolidatedDestRule: what it has merged into the first rule that it met for a host."""

    export_to: frozenset[str]
    merged: list[DestinationRule]

    @property
    def selector(self) -> Labels | None:
        return self.merged[0].selector


def exports(rule: DestinationRule) -> frozenset[str]:
    """The set that istiod compares; a rule with a workloadSelector stays in its namespace."""
    if rule.selector is not None:
        return OWN
    # The mesh's default is looked up where a rule is put into an index, and stands in no set.
    return frozenset() if rule.kept_by_default else frozenset(rule.export_to)


def is_private(rule: DestinationRule) -> bool:
    to = exports(rule)
    return (not to and rule.kept_by_default) or to == OWN or (len(to) == 1 and rule.namespace in to)


def is_local(rule: DestinationRule) -> bool:
    """Whether a proxy of the rule's own namespace finds it there first."""
    to = exports(rule)
    return not to or bool(to & {PUBLIC, PRIVATE, rule.namespace})


def consolidate(several: Iterable[DestinationRule]) -> list[Consolidated]:
    """The rules of one host in one index of istiod's: mergeDestinationRule, called for each in order."""
    found: list[Consolidated] = []
    ordered = by_creation(list(several))
    for rule in [one for one in ordered if one.selector is not None] + [one for one in ordered if one.selector is None]:
        separately = True
        for existing in found:
            to = exports(rule)
            if to == existing.export_to:
                separately = False
            elif existing.export_to and to >= existing.export_to:
                separately = True
            else:
                separately = True
                continue
            match rule.selector, existing.selector:
                case None, None:
                    separately = False
                case None, _:
                    pass
                case own, theirs if own == theirs:
                    separately = False
                case _, None:
                    pass
                case _:
                    separately = True
                    continue
            existing.merged.append(rule)
        if separately:
            found.append(Consolidated(exports(rule), [rule]))
    return found


def most_specific(rules: Iterable[DestinationRule], host: str) -> list[Consolidated]:
    """What stands for the most specific host that covers `host`."""
    covering = [rule for rule in rules if matches(rule.host, host)]
    if not covering:
        return []
    best = max((rule.host for rule in covering), key=specificity)
    return consolidate(rule for rule in covering if rule.host == best)


def indexed(mesh: Mesh, service: Service, namespace: str) -> list[Consolidated]:
    """The rules that istiod finds for a service and the proxies of a namespace."""
    there = mesh.rules_in(namespace, service.host)
    if namespace == ROOT_NAMESPACE:
        own = most_specific((rule for rule in there if is_private(rule)), service.host)
    else:
        own = most_specific((rule for rule in there if is_local(rule)), service.host)
    if own:
        return own
    for place in (service.namespace, ROOT_NAMESPACE):
        given = (rule for rule in mesh.rules_in(place, service.host) if not is_private(rule))
        found = most_specific(given, service.host)
        to_us = [one for one in found if not one.export_to or one.export_to & {PUBLIC, namespace}]
        if to_us:
            return to_us
    return []


def visible(mesh: Mesh, service: Service, proxy: Proxy) -> Sequence[DestinationRule]:
    """What counts for one proxy: a rule whose workloadSelector its labels meet, else the last without one."""
    general: Sequence[DestinationRule] = ()
    for one in indexed(mesh, service, proxy.namespace):
        if one.selector is None:
            general = one.merged
        elif one.merged[0].namespace == proxy.namespace and one.selector.items() <= proxy.labels.items():
            return one.merged
    return general


def merged(mesh: Mesh, service: Service, proxy: Proxy) -> Merged:
    """What the rules for a service come to for one proxy, worked out once for all proxies of its kind."""
    known: dict[tuple[str, str], Merged] = mesh.once(("envoy", "merged", *proxy.key), dict)
    key = service.namespace, service.host
    found = known.get(key)
    if found is None:
        found = known[key] = merge(visible(mesh, service, proxy))
    return found


def merge(rules: Sequence[DestinationRule]) -> Merged:
    """Several rules for one host: subsets together, the first of a name wins, as does the first policy."""
    subsets: dict[str, Subset] = {}
    for rule in rules:
        for subset in rule.subsets:
            subsets.setdefault(subset.name, subset)
    return Merged(tuple(subsets.values()), policy_of(rules), bool(rules) and rules[0].selector is not None)


def policy_of(rules: Sequence[DestinationRule]) -> TrafficPolicy:
    """The first policy counts; over that of a backend policy, which is older than any other, each one in turn.

    The copy that istiod merges all others into keeps the annotation that tells a backend policy.
    """
    if not rules or not rules[0].backend_policy:
        return next((rule.policy for rule in rules if rule.policy != NOTHING), NOTHING)
    found = rules[0].policy
    for rule in rules[1:]:
        found = found if rule.backend_policy else over(rule.policy, found)
    return found


def over(user: TrafficPolicy, backend: TrafficPolicy) -> TrafficPolicy:
    """mergeBackendPolicyTrafficPolicy: what the user's policy leaves open the other one says."""
    if NOTHING in (user, backend):
        return backend if user == NOTHING else user
    balancing = user if user.load_balancer is not LoadBalancer.UNSPECIFIED else backend
    ports = dict(backend.ports)
    for number, own in user.ports.items():
        ports[number] = over(own, ports[number]) if number in ports else own
    return TrafficPolicy(
        load_balancer=balancing.load_balancer,
        consistent_hash=balancing.consistent_hash,
        warmup=balancing.warmup,
        locality=balancing.locality,
        tls=user.tls or backend.tls,
        connection_pool=user.connection_pool or backend.connection_pool,
        outlier_detection=user.outlier_detection or backend.outlier_detection,
        retry_budget=user.retry_budget or backend.retry_budget,
        ports=ports,
    )


def at_port(policy: TrafficPolicy, port: int) -> tuple[TrafficPolicy, bool]:
    """The policy for one port; a port's own settings inherit nothing (True says that there are any)."""
    own = policy.ports.get(port)
    return (policy, False) if own is None else (own, True)


def effective(rule: TrafficPolicy, subset: TrafficPolicy | None, port: int) -> TrafficPolicy:
    """The policy of a cluster: the subset's settings replace the rule's, one whole setting at a time."""
    base, _ = at_port(rule, port)
    if subset is None:
        return replace(base, ports={}) if base.ports else base
    own, by_port = at_port(subset, port)
    balancing = own if own.load_balancer is not LoadBalancer.UNSPECIFIED or by_port else base
    return TrafficPolicy(
        load_balancer=balancing.load_balancer,
        consistent_hash=balancing.consistent_hash,
        warmup=balancing.warmup,
        locality=balancing.locality,
        tls=own.tls if own.tls or by_port else base.tls,
        connection_pool=own.connection_pool if own.connection_pool or by_port else base.connection_pool,
        outlier_detection=own.outlier_detection if own.outlier_detection or by_port else base.outlier_detection,
        # Settings of a port have none, and take that of the rule away only where they are the rule's own.
        retry_budget=own.retry_budget or base.retry_budget,
    )
