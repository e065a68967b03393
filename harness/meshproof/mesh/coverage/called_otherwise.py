"""Where two meshes differ in how a Service is called, and no request shows it."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import Nearness
from meshproof.mesh.model.unmodelled import Asked, Called, PlainText, Touches, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

ENTRY = "ServiceEntry"
NEEDS = "correct one of the two"
HEADLESS = "no request shows that its clients' own DNS chooses the pod in the one, and a sidecar in the other"
UNREADY = "no request shows whether pods get some that are not ready"
NEAR = "what it prefers shows only where pods are told to run in several places"


def called_otherwise(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Each Service of both that has an address of its own, or pods that are not ready, in one of them alone.

    Of ServiceEntries what decides mutual TLS, and how many of the addresses that DNS tells are called.
    """
    for ours in applied.services:
        for theirs in specified.services_of(ours.host):
            if theirs.namespace == ours.namespace and ours.hostname == theirs.hostname:
                yield from _entries(theirs, ours) if ours.hostname else _compared(theirs, ours)
                yield from _preferred(theirs, ours)


def _compared(theirs: Service, ours: Service) -> Iterator[Unmodelled]:
    if ours.headless is not theirs.headless:
        there = "is applied, and not specified" if ours.headless else "is specified, and not applied"
        # A gateway chooses among the pods of either.
        yield _told(ours, f"clusterIP: None {there}: {HEADLESS}", Asked((ours.host,), (MESH_GATEWAY,)))
    if ours.unready is not theirs.unready:
        there = "is applied, and not specified" if ours.unready else "is specified, and not applied"
        yield _told(ours, f"publishNotReadyAddresses {there}: {UNREADY}", Called((ours.host,)))


def _preferred(theirs: Service, ours: Service) -> Iterator[Unmodelled]:
    wanted, actual = (one.distribution.preferred if one.distribution else Nearness.ANY for one in (theirs, ours))
    if wanted is not actual:
        why = (
            f"pods of {_said(actual)} are preferred as it is applied, and those of {_said(wanted)} as specified: {NEAR}"
        )
        place = ours.distribution.location if ours.distribution else ours.location
        kind = ENTRY if ours.hostname else "Service"
        name = f"{ENTRY} for {ours.host}" if ours.hostname else f"Service {ours.namespace}/{ours.name}"
        yield Unmodelled(kind, name, place, why, (Called((ours.host,)),), NEEDS)


def _said(nearness: Nearness) -> str:
    return f"the client's {nearness}" if nearness else "any place"


def _entries(theirs: Service, ours: Service) -> Iterator[Unmodelled]:
    wanted = dict(theirs.unseen)
    for name, value in ours.unseen:
        if value != wanted.get(name, value):
            why = f"{name} {value} is applied, and {wanted[name]} is specified: no request shows it"
            yield Unmodelled(ENTRY, f"{ENTRY} for {ours.host}", ours.location, why, (PlainText(""),), NEEDS)


def _told(one: Service, why: str, touches: Touches) -> Unmodelled:
    return Unmodelled("Service", f"Service {one.namespace}/{one.name}", one.location, why, (touches,), NEEDS)
