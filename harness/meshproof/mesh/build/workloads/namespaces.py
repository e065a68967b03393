"""Namespaces: their labels, and how others select them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.traffic_policy.locality import ANNOTATION, distribution
from meshproof.mesh.build.workloads.selector import OPERATORS
from meshproof.mesh.model.ambient import INJECTION, REVISION
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import Distribution, Nearness
from meshproof.mesh.model.unmodelled import Called, Unmodelled
from meshproof.records import dataclass

# The label that a cluster gives to every namespace.
NAMED = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Namespace:
    """`distribution` is what its Services prefer that say nothing, `injected` where it says that pods get sidecars."""

    name: str
    labels: Labels
    distribution: Distribution | None = None
    injected: Location | None = None


def namespace(resource: Resource, findings: Findings) -> Namespace:  # noqa: ARG001
    own = labels(resource.body.get("metadata"), "labels")
    # istiod's webhooks: `enabled` counts before a revision, anything else there leaves pods as they are.
    asking = INJECTION if INJECTION in own else REVISION
    injected = own.get(INJECTION, "enabled") == "enabled" and asking in own
    said = resource.body.need("metadata").need("labels").need(asking).location if injected else None
    return Namespace(resource.name, own, distribution(resource), said)


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with the labels of its namespaces, and what they say of their Services."""
    several = [part for part in parts if isinstance(part, Namespace)]
    for one in several:
        if one.distribution:
            mesh = _preferring(mesh, one, one.distribution, findings)
    injected = {one.name: one.injected for one in several if one.injected}
    return replace(mesh, namespaces={one.name: one.labels for one in several}, injected=injected)


def _preferring(mesh: Mesh, one: Namespace, said: Distribution, findings: Findings) -> Mesh:
    """The mesh whose Services of a namespace prefer what that says, where they say nothing themselves."""
    silent = [each for each in mesh.services if each.namespace == one.name and each.distribution is None]
    entries = tuple(each.host for each in silent if each.hostname)
    if entries and said.preferred is not Nearness.ANY:
        why, touches = f"{ANNOTATION} for ServiceEntries is not modelled", (Called(entries),)
        part = Unmodelled("Namespace", f"Namespace {one.name}", said.location, why, touches)
        findings.unmodelled_parts.append(part)
    own = {id(each) for each in silent if not each.hostname}
    return replace(
        mesh,
        services=tuple(replace(each, distribution=said) if id(each) in own else each for each in mesh.services),
    )


@dataclass(frozen=True, slots=True)
class Selector:
    """Namespaces by their labels; `expressions` are (key, operator, values)."""

    labels: tuple[tuple[str, str], ...]
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...]
    location: Location

    def holds(self, name: str, own: Labels) -> bool:
        """Whether it selects a namespace with these labels."""
        known = {**own, NAMED: name}
        held = (OPERATORS[operator].holds(known.get(key), values) for key, operator, values in self.expressions)
        return all(known.get(key) == value for key, value in self.labels) and all(held)

    @property
    def by_name(self) -> bool:
        """Whether names alone decide."""
        return all(key == NAMED for key, *_ in (*self.labels, *self.expressions))


def namespace_selector(value: Value) -> Selector:
    """What a label selector says; raises ManifestError for what is none."""
    expressions = []
    for one in value.list("matchExpressions"):
        operator = one.need("operator")
        if operator.text() not in OPERATORS:
            raise operator.problem(f"operator must be one of {', '.join(OPERATORS)}, not {operator.shown}")
        values = tuple(each.text() for each in one.list("values"))
        expressions.append((one.need("key").text(), operator.text(), values))
    return Selector(tuple(labels(value, "matchLabels").items()), tuple(expressions), value.location)
