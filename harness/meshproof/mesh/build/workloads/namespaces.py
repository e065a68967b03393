"""Namespaces: their labels, by which others select them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh


@dataclass(frozen=True, slots=True)
class Namespace:
    name: str
    labels: Labels


def namespace(resource: Resource, findings: Findings) -> Namespace:  # noqa: ARG001
    return Namespace(resource.name, labels(resource.body.get("metadata"), "labels"))


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:  # noqa: ARG001
    """The mesh with the labels of its namespaces."""
    return replace(mesh, namespaces={part.name: part.labels for part in parts if isinstance(part, Namespace)})
