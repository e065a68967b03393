"""Where two meshes differ in what becomes of hosts that nobody knows: no request shows that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.errors import Location
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.unmodelled import Unmodelled

NEEDS = "correct one of the two"
CONFIG = ("meshConfig", "")
Said = Mapping[tuple[str, str], tuple[bool, Location]]


def passed_on_otherwise(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Each object of both whose clients are passed on in one of them, and refused in the other."""
    wanted, actual = _closing(specified), _closing(applied)
    for key in wanted.keys() & actual.keys():
        closed, place = actual[key]
        if closed != wanted[key][0]:
            kind, name = key
            here, there = ("is REGISTRY_ONLY", "is not") if closed else ("is not REGISTRY_ONLY", "is")
            why = f"outboundTrafficPolicy {here}, and on the other side it {there}: no request shows it"
            yield Unmodelled(kind, f"{kind} {name}".strip(), place, why, (), NEEDS)


def _closing(mesh: Mesh) -> Said:
    """Whether hosts that nobody knows are refused, by who says so, with its place."""
    whole = mesh.config.outbound is OutboundMode.REGISTRY_ONLY
    found: dict[tuple[str, str], tuple[bool, Location]] = {}
    if mesh.config.location:
        found[CONFIG] = whole, mesh.config.location
    for one in mesh.sidecars:
        closed = one.outbound is OutboundMode.REGISTRY_ONLY if one.outbound else whole
        found["Sidecar", f"{one.namespace}/{one.name}"] = closed, one.location
    return found
