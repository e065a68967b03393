"""DestinationRules that stand in beside Services that do, where the manifests hold none and rules name subsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshproof.errors import Location
from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.build.destination_rule import destination_rule
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.stand_ins import bodies
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import Destination, HttpRoute
from meshproof.records import dataclass

LABEL = "version"


@dataclass(frozen=True, slots=True)
class Lacking:
    """The subsets of a Service that rules name, which no DestinationRule defines."""

    service: Service
    names: tuple[str, ...]
    location: Location

    @property
    def summary(self) -> str:
        """What they are called."""
        return f"{self.service.name}.{self.service.namespace} ({', '.join(self.names)})"


def lacking(manifests: Manifests, mesh: Mesh, new: Sequence[Service]) -> list[Lacking]:
    """Those of the Services that stand in; none where there is any DestinationRule: then one is forgotten."""
    refused = (one.resource for one in manifests.refusals if one.resource)
    if not new or any(one.kind == "DestinationRule" for one in (*manifests.resources, *refused)):
        return []
    named: dict[str, dict[str, Location]] = {}
    for one in _destinations(mesh):
        if one.subset:
            named.setdefault(one.host, {}).setdefault(one.subset, one.location)
    found = ((one, named[one.host]) for one in new if one.host in named)
    return [Lacking(one, tuple(names), next(iter(names.values()))) for one, names in found]


def _destinations(mesh: Mesh) -> Iterator[Destination]:
    for virtual_service in mesh.virtual_services:
        for rule in virtual_service.rules:
            yield from (one.destination for one in rule.destinations)
            if isinstance(rule, HttpRoute):
                yield from (one.destination for one in rule.mirrors)


def resource(one: Lacking) -> Resource:
    """The DestinationRule as a manifest."""
    labelled = {name: {LABEL: name} for name in one.names}
    return bodies.destination_rule(one.service, labelled, one.location)


def rules(several: Iterable[Lacking]) -> Iterator[DestinationRule]:
    """The same as the mesh has them."""
    return (destination_rule(resource(one), Findings()) for one in several)
