"""Two sets of manifests that are held against each other, read alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.gateways.entrances import entered_alike
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """The manifests of one side, and the mesh that they make; `other` is the mesh of the other side."""

    manifests: Manifests
    built: Built
    other: Mesh = field(default_factory=Mesh)

    @property
    def mesh(self) -> Mesh:
        return self.built.mesh


def sides(old: Manifests, new: Manifests) -> tuple[Side, Side]:
    """Both built. What neither has is stood in for on both; what one side really has, and the other one lacks, is not.

    So manifests that hold routing alone are compared by their routing, and what is removed is missed.
    """
    built = [build_all(one, standing_in=StandingIn()) for one in (old, new)]
    likes = [tuple(_lacking_on_both(*pair)) for pair in (built, built[::-1])]
    made = []
    for manifests, one, like in zip((old, new), built, likes, strict=True):
        whole = one if len(like) == len(one.stood_in) else build_all(manifests, standing_in=StandingIn(like=like))
        made.append(Side(manifests, replace(whole, notices=tuple(dict.fromkeys((*manifests.notices, *whole.notices))))))
    first, second = made
    return _entered(first, second), _entered(second, first)


def _entered(side: Side, other: Side) -> Side:
    """The side with the other one's Gateways for pods that its own are for."""
    mesh = entered_alike(side.mesh, other.mesh)
    return replace(side, built=replace(side.built, mesh=mesh), other=other.mesh)


def _lacking_on_both(own: Built, other: Built) -> Iterator[Resource]:
    """Of what stands in on one side, that of which the other side has nothing real either."""
    stood_in = {one.identity for one in other.stood_in}
    real = {one.identity for one in other.resources} - stood_in
    made = {(one.namespace, one.name) for one in other.stood_in if one.kind == "Deployment"}
    for one in own.stood_in:
        if one.identity in real:
            continue
        if one.kind != "Deployment" or not any(
            (workload.namespace, workload.name) not in made
            for host in _hosts(own.mesh, one)
            for workload in other.mesh.selected(host)
        ):
            yield one


def _hosts(mesh: Mesh, deployment: Resource) -> Sequence[str]:
    """The hosts of the Services that a workload stands behind."""
    found = mesh.once(("diff", "behind"), lambda: _by_workload(mesh))
    return found.get(f"{deployment.namespace}/{deployment.name}", ())


def _by_workload(mesh: Mesh) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for service in mesh.services:
        for workload in mesh.behind(service):
            found.setdefault(workload.key, []).append(service.host)
    return found
