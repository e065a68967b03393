"""What the checks look at: the manifests, the mesh that they describe, and what is derived of both once for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from meshproof.errors import Location, Problem
from meshproof.manifest.resource import Manifests, Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.build.stand_ins.references import entries
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model import names
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.index import Hosts, by_hosts, grouped
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.unmodelled import Called, Rule
from meshproof.records import dataclass


@dataclass(frozen=True)
class Folder:
    """All manifests of one call, read and built as far as they can be; `unread` are files that are no text."""

    manifests: Manifests
    built: Built
    unread: tuple[Problem, ...] = ()

    @property
    def mesh(self) -> Mesh:
        return self.built.mesh

    @cached_property
    def _by_kind(self) -> dict[tuple[str, str], tuple[Resource, ...]]:
        every = (*self.manifests.resources, *self.manifests.foreign)
        return grouped(((one.kind, one.api_version.rpartition("/")[0]), one) for one in every)

    def of_kind(self, kind: str, group: str = "networking.istio.io") -> tuple[Resource, ...]:
        """The resources of a kind, read or not modelled, in the order of the files."""
        return self._by_kind.get((kind, group), ())

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """The namespaces that the manifests describe: where there is a Service or a workload."""
        return self.peopled | {one.namespace for one in self.mesh.services}

    @cached_property
    def peopled(self) -> frozenset[str]:
        """The namespaces in which the manifests have workloads."""
        return frozenset(one.namespace for one in self.mesh.workloads if not one.endpoint_of)

    @cached_property
    def refused_hosts(self) -> frozenset[str]:
        """The full names of Services that are among the manifests, and that a cluster would refuse."""
        several = (one for one in self.built.left_out if one.kind == "Service")
        return frozenset(f"{one.name}.{one.namespace}.{CLUSTER_DOMAIN}" for one in several)

    @cached_property
    def refused_pods(self) -> frozenset[str]:
        """The hosts of Services behind which a workload stands that a cluster would refuse: it may have other pods."""
        wrong = (one for one in self.mesh.unmodelled if one.is_wrong and one.kind in FORMS)
        touched = (touch for one in wrong for touch in one.touches)
        return frozenset(host for one in touched if isinstance(one, Called) for host in one.hosts)

    @cached_property
    def refused_aims(self) -> frozenset[str]:
        """The hosts that VirtualServices lead to which nobody takes: what else leads there is not all."""
        several = (one for one in self.built.left_out if one.kind == "VirtualService")
        return frozenset(host for one in several for host in _aims(one.body, one.namespace))

    @cached_property
    def patterns(self) -> Hosts:
        """Positions of all hosts that something has, those of ServiceEntries that are not modelled as well."""
        several = (one for one in self.mesh.aliases if self.mesh.knows(one.alias_of))
        own = [(one.host,) for one in (*self.mesh.services, *several)]
        return by_hosts([*own, *((host,) for host in entries(self.manifests.resources) if host != "*")])

    @cached_property
    def rules(self) -> dict[str, tuple[DestinationRule, ...]]:
        """The DestinationRules of each host, in whatever namespace they stand."""
        return grouped((one.host, one) for one in self.mesh.destination_rules)

    @cached_property
    def wide_rules(self) -> dict[str, tuple[DestinationRule, ...]]:
        """Those of them whose host is a pattern."""
        return {host: several for host, several in self.rules.items() if host.startswith("*")}

    @cached_property
    def half_read(self) -> frozenset[Location]:
        """The rules of which not every field is understood: their conditions may be more than the mesh knows."""
        touched = (touch for one in self.mesh.unmodelled for touch in one.touches)
        return frozenset(one.location for one in touched if isinstance(one, Rule))

    def pattern_alone(self, host: str) -> str:
        """The longest pattern that covers a host which nothing has by name; empty where something has, or none does."""
        if host.startswith("*") or host in self.refused_hosts or host in self.patterns.exact:
            return ""
        return max((one for one in self.patterns.wild if covers(one, host)), key=len, default="")

    def knows(self, host: str) -> bool:
        """Whether something has that host: a Service, a ServiceEntry or one of its patterns, or one that is refused."""
        return host in self.refused_hosts or any(True for _ in self.patterns.candidates(host))


def distinct(several: Iterable[str]) -> str:
    """Names in a sentence, each once: `a`, `a and b`, `a, b and c`."""
    names = list(dict.fromkeys(several))
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def _aims(value: Value, namespace: str) -> Iterator[str]:
    """The hosts of all destinations within a value, as far as they can be read."""
    data = value.data
    host = value.get("host") if isinstance(data, Mapping) else None
    if host is not None and isinstance(host.data, str):
        yield names.host(host, namespace)
    for one in data.values() if isinstance(data, Mapping) else data if isinstance(data, tuple) else ():
        yield from _aims(one, namespace)
