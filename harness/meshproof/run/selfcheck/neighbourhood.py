"""What of a folder a mutant can touch: all other requests are answered as before, and need not be looked at."""

from __future__ import annotations

from dataclasses import replace

from meshproof.diff.changed import Differing, part, reach
from meshproof.diff.sides import Side
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.model.mesh import Mesh
from meshproof.run.verification.specification import Specification


def neighbourhood(specification: Specification, own: Side, mutated: Side) -> Specification:
    """The specification of what can be touched by the objects in which the two differ, the mutated ones applied.

    The meshes lack the VirtualServices that nothing of it meets. It is that of the whole folder where it is not known
    what an object can touch.
    """
    touched = reach(own, mutated, _differing(own, mutated))
    if touched.everything:
        return replace(specification, specified=own.built, applied=mutated.built)
    (specified, services), (applied, others) = (part(one.mesh, touched) for one in (own, mutated))
    return replace(
        specification,
        specified=_with(own.built, specified),
        applied=_with(mutated.built, applied),
        called=frozenset(one.host for one in (*services, *others)),
    )


def _with(built: Built, mesh: Mesh) -> Built:
    return replace(built, mesh=mesh)


def _differing(own: Side, mutated: Side) -> Differing:
    """An object that a mutant leaves alone is the very same."""
    before, after = own.manifests.resources, mutated.manifests.resources
    known, now = ({id(one) for one in several} for several in (before, after))
    return Differing(
        tuple(one for one in before if id(one) not in now), tuple(one for one in after if id(one) not in known)
    )
