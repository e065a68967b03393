"""Routes of other controllers' Gateways, for which it does not count what istiod takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import Entries, asked
from meshproof.mesh.build.gateway_api.http_route import Route
from meshproof.mesh.build.gateway_api.parents import GATEWAY, LISTENER_SET, Parent
from meshproof.mesh.model.unmodelled import Unmodelled

Place = tuple[str, str]


def without_untaken(
    routes: Iterable[Route], own: Collection[Place], entries: Entries, findings: Findings
) -> list[Route]:
    """Without the routes that istiod refuses for what other controllers take: those that have a parent of its own.

    `own` are the kinds and keys of its Gateways and their ListenerSets. One that is not among the manifests may be
    anybody's.
    """
    kept = []
    for route in routes:
        if not route.untaken or not any(_is_its_own(one, own) for one in route.parents):
            kept.append(route)
            continue
        reach = asked(route, entries)
        findings.unmodelled_parts += (
            Unmodelled(route.kind, route.called, one.location, one.message, reach, one.hint, refused=True)
            for one in route.untaken
        )
    return kept


def _is_its_own(parent: Parent, own: Collection[Place]) -> bool:
    inside = parent.kind not in (GATEWAY, LISTENER_SET)
    return inside or (parent.kind, f"{parent.namespace}/{parent.name}") in own
