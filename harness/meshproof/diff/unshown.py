"""Rules that one of two meshes has, or tries in another order, and of which no request was found that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from meshproof.diff.changed import without_places
from meshproof.errors import Location
from meshproof.manifest.resource import Notice
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import HttpRoute, TcpRoute, VirtualService
from meshproof.mesh.predict.covering import is_hidden

Rules = Sequence[HttpRoute | TcpRoute]


def unshown(
    mesh: Mesh, other: Mesh, told: Iterable[Notice], shown: Set[Location]
) -> Iterator[tuple[VirtualService, Notice]]:
    """What was told of those of `mesh`, with their owners.

    `told` is what finding requests said of its rules, `shown` are those that a request of some client reaches. One is
    left out that the other mesh has behind the same rules, and one that a rule before it hides.
    """
    lacking = {one.location: one for one in told if one.topic == Topic.NOT_SHOWN and one.location not in shown}
    for owner in mesh.virtual_services if lacking else ():
        there = [one for one in other.virtual_services if (one.namespace, one.name) == (owner.namespace, owner.name)]
        for at, rules in enumerate(_lists(owner)):
            for number, rule in enumerate(rules):
                if rule.location not in lacking or (not owner.gateway_api and is_hidden(rule, rules[:number])):
                    continue
                own = _tried(rules[: number + 1])
                if not any(_tried(_lists(one)[at][: number + 1]) == own for one in there):
                    yield owner, lacking[rule.location]


def _tried(rules: Rules) -> object:
    """The last of some rules, and what those before it ask for."""
    return without_places(([one.matches for one in rules], rules[-1:]))


def _lists(owner: VirtualService) -> tuple[Rules, Rules, Rules]:
    return owner.http, owner.tls, owner.tcp
