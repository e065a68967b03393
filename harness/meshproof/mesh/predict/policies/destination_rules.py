"""Which DestinationRules count for a client: those of the first place that has any for the Service.

The places are the client's namespace, the Service's, and the root namespace; of the last two what is exported to the
client. Of one place the rules of the most specific host count. Several for the same host are one where they are
exported alike; of those that are not, a rule for the client's labels comes first, then the last of the others.
Sources:
https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration,
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-large-virtual-services-and-destination-rules-into-multiple-resources,
https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule (workloadSelector), and for
the merging istiod itself (istio/istio pilot/pkg/model/push_context.go and destination_rule.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from meshproof.mesh.model.destination_rule import DestinationRule, Subset
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.predict.visibility import ALL, OWN, oldest_first
from meshproof.records import dataclass

NOTHING: Mapping[str, str] = {}


@dataclass(slots=True)
class _Group:
    """Rules of one host that istiod has merged, the first that it met in front."""

    exports: frozenset[str]
    rules: list[DestinationRule] = field(default_factory=list)

    @property
    def selector(self) -> Labels | None:
        return self.rules[0].selector


def rules(mesh: Mesh, service: Service, namespace: str, labels: Labels = NOTHING) -> tuple[DestinationRule, ...]:
    """The DestinationRules of a Service for a client in `namespace` with `labels`, the first that counts in front."""
    own = sorted(labels.items()) if labels else ()
    key = ("predict", "destination rules", service.namespace, service.host, namespace, *own)
    return mesh.once(key, lambda: _counting(mesh, service, namespace, labels))


def _counting(mesh: Mesh, service: Service, namespace: str, labels: Labels) -> tuple[DestinationRule, ...]:
    for place, counts in (
        # Rules of the root namespace are for everybody, but for those that it keeps to itself.
        (namespace, _kept_to_itself if namespace == ROOT_NAMESPACE else _local),
        (service.namespace, _exported),
        (ROOT_NAMESPACE, _exported),
    ):
        groups = _groups(mesh, service, place, counts)
        seen = [one for one in groups if counts is not _exported or _reaches(one, namespace)]
        if seen:
            return _chosen(seen, namespace, labels)
    return ()


def _groups(mesh: Mesh, service: Service, place: str, counts: Callable[[DestinationRule], bool]) -> list[_Group]:
    """The rules of a namespace for the host that fits a Service best, merged as istiod merges them."""
    found = [one for one in mesh.rules_in(place, service.host) if counts(one) and covers(one.host, service.host)]
    if not found:
        return []
    if len(found) == 1:
        return [_Group(_exports(found[0]), found)]
    best = max((one.host for one in found), key=specificity)
    ages = oldest_first(found)
    several = sorted((one for one in found if one.host == best), key=lambda one: (one.selector is None, ages[id(one)]))
    groups: list[_Group] = []
    for rule in several:
        _merge(rule, groups)
    return groups


def _merge(rule: DestinationRule, groups: list[_Group]) -> None:
    own = _exports(rule)
    apart = True
    for group in groups:
        if own != group.exports and not (group.exports and own > group.exports):
            apart = True
            continue
        apart = own != group.exports
        both = rule.selector is not None and group.selector is not None
        if both and rule.selector != group.selector:
            apart = True
            continue
        if both or (rule.selector is None and group.selector is None):
            apart = False
        group.rules.append(rule)
    if apart:
        groups.append(_Group(own, [rule]))


def _exports(rule: DestinationRule) -> frozenset[str]:
    """What rules are compared by: one with a selector is for its own namespace, whatever it says.

    The mesh's default tells nothing here: beside it a rule that says the same of itself stays another one.
    """
    if rule.selector is not None:
        return frozenset((OWN,))
    return frozenset(() if rule.kept_by_default else rule.export_to)


def _local(rule: DestinationRule) -> bool:
    own = _exports(rule)
    return not own or not own.isdisjoint((ALL, OWN, rule.namespace))


def _kept_to_itself(rule: DestinationRule) -> bool:
    return rule.kept_by_default or _exports(rule) in (frozenset((OWN,)), frozenset((rule.namespace,)))


def _exported(rule: DestinationRule) -> bool:
    return not _kept_to_itself(rule)


def _reaches(group: _Group, namespace: str) -> bool:
    return not group.exports or ALL in group.exports or namespace in group.exports


def _chosen(groups: Iterable[_Group], namespace: str, labels: Labels) -> tuple[DestinationRule, ...]:
    general: _Group | None = None
    for group in groups:
        if group.selector is None:
            general = group
        elif group.rules[0].namespace == namespace and group.selector.items() <= labels.items():
            return tuple(group.rules)
    return tuple(general.rules) if general else ()


def subset(mesh: Mesh, service: Service, name: str, namespace: str, labels: Labels = NOTHING) -> Subset | None:
    """The subset of that name as a client sees it: the first that is defined counts."""
    several = rules(mesh, service, namespace, labels)
    return next((one for rule in several for one in rule.subsets if one.name == name), None)


def defining(mesh: Mesh, host: str, name: str) -> DestinationRule | None:
    """A DestinationRule that defines a subset for a host, whoever sees it; None where none does."""
    by_name = mesh.once(
        ("predict", "defining"),
        lambda: grouped((subset.name, rule) for rule in mesh.destination_rules for subset in rule.subsets),
    )
    return next((one for one in by_name.get(name, ()) if covers(one.host, host)), None)


def selected(mesh: Mesh, service: Service, name: str, namespace: str, labels: Labels = NOTHING) -> tuple[Workload, ...]:
    """The workloads behind a Service ('' for `name`), or behind one subset of it (none when it is undefined)."""
    every = mesh.behind(service)
    if not name:
        return every
    chosen = subset(mesh, service, name, namespace, labels)
    return tuple(one for one in every if chosen and chosen.labels.items() <= one.labels.items())
