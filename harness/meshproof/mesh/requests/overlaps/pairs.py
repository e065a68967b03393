"""Pairs of rules that one request meets both of: which of the two comes first is seen by that request alone.

Only the rules of one table are held against each other: those that stand for one host at one gateway, or within the
mesh. They are found by how their paths begin, so that rules for other paths cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, MatchKind
from meshproof.mesh.predict.entries import Rule
from meshproof.mesh.predict.gateway_table import gateway_table
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import mesh_table
from meshproof.mesh.requests.addresses import Address
from meshproof.mesh.requests.matching import requests_of
from meshproof.mesh.requests.overlaps.heads import beginning_of
from meshproof.mesh.requests.overlaps.meeting import meeting, meets
from meshproof.records import dataclass

MOST_BASES = 4
MOST_TRIES = 16


def table(mesh: Mesh, address: Address, client: Source) -> tuple[Rule, ...]:
    """The rules that stand for requests to an address, in order."""
    request = Request("GET", address.host, address.port, "/", (), address.scheme, address.gateway, tls=address.tls)
    if address.gateway:
        return gateway_table(mesh, request).rules or ()
    return mesh_table(mesh, request, Client(MESH_GATEWAY, address.port, client.namespace, client.labels)).rules or ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """A request that meets two rules of a table, and is taken by the first of them."""

    first: Rule
    second: Rule
    request: Request


def overlaps(mesh: Mesh, rules: Sequence[Rule], address: Address) -> Iterator[Overlap]:
    """One for each pair of routes that overlap where no rule before them takes everything that both would."""
    heads = _Heads(rules)
    shown: set[tuple[int, int]] = set()
    for second, first in heads.pairs():
        before, after = rules[first], rules[second]
        routes = (id(before.route), id(after.route))
        if before.route is after.route or routes in shown:
            continue
        found = next(_both(mesh, rules, heads, first, second, address), None)
        if found is not None:
            shown.add(routes)
            yield Overlap(before, after, found)


def _both(
    mesh: Mesh, rules: Sequence[Rule], heads: _Heads, first: int, second: int, address: Address
) -> Iterator[Request]:
    """Requests that both entries would take, and that no entry before them does."""
    before, after = rules[first], rules[second]
    tries = 0
    for number, base in enumerate(requests_of(mesh, after.route, after.match, address)):
        if number == MOST_BASES:
            return
        for request in meeting(base, after.match, before.match):
            tries += 1
            if heads.taking(request) == first:
                yield request
            if tries == MOST_TRIES:
                return


class _Heads:
    """The entries of a table by how the path of what they take begins."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._head = [beginning_of(rule) for rule in rules]
        self._whole = [_is_whole(rule) for rule in rules]
        self._at = grouped((head, number) for number, head in enumerate(self._head))
        self._longest = max(map(len, self._at), default=0)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every two entries whose paths may begin alike, the later one before the earlier."""
        for number, head in enumerate(self._head):
            for other in self._beginning(head):
                # Of two that begin equally each finds the other.
                same = self._head[other] == head
                if other != number and (not same or other < number) and not (self._whole[other] and not same):
                    yield max(number, other), min(number, other)

    def taking(self, request: Request) -> int | None:
        """The first entry that takes a request."""
        path = request.path.lower()
        return next((one for one in sorted(self._beginning(path)) if meets(self._rules[one].match, request)), None)

    def _beginning(self, path: str) -> Iterator[int]:
        """The entries whose head the path begins with."""
        for length in range(min(len(path), self._longest) + 1):
            yield from self._at.get(path[:length], ())


def _is_whole(rule: Rule) -> bool:
    uri = rule.match.uri if rule.match else None
    return uri is not None and uri.kind is MatchKind.EXACT
