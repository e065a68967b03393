"""Requests for each two rules, one of either side, that decide one request: the one before, and the other one after.

From requests that meet a rule of either side it is gone on to others that differ from them in one thing that the rules
ask for, until there are no new pairs: so a rule is also seen behind those that come before it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from meshproof.border.request import Request
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.entries import Rule
from meshproof.mesh.requests.addresses import Address
from meshproof.mesh.requests.boundaries import condition_boundaries
from meshproof.mesh.requests.matching import requests_of
from meshproof.mesh.requests.overlaps.meeting import meeting, meets
from meshproof.mesh.requests.overlaps.pairs import overlaps
from meshproof.records import dataclass

# So many requests are kept of each pair of rules, and so many times a request is held against a rule.
MOST_EACH = 2
MOST_HELD = 200_000


@dataclass(slots=True)
class Across:
    """The search between two tables for one address; `unseen` is how many requests were left when it was too long."""

    before: Sequence[Rule]
    after: Sequence[Rule]
    unseen: int = 0

    def requests(self, old: Mesh, new: Mesh, address: Address) -> Iterator[Request]:
        """The requests that are found."""
        seeds = dict.fromkeys(self._seeds(old, new, address))
        waiting, known = deque(seeds), set(seeds)
        pairs: Counter[tuple[int, int]] = Counter()
        left = MOST_HELD
        while waiting:
            request = waiting.popleft()
            one, other = _taker(self.before, request), _taker(self.after, request)
            left -= len(self.before) + len(self.after)
            pairs[one, other] += 1
            if pairs[one, other] <= MOST_EACH:
                yield request
            elif request not in seeds:
                # Those that meet a rule of either side lead on, however many alike there are: behind one that comes
                # before both rules each stands for a pair of its own.
                continue
            if left < 0:
                self.unseen = len(waiting)
                return
            takers = (rules[at] for rules, at in ((self.before, one), (self.after, other)) if at >= 0)
            for rule in takers:
                for further in condition_boundaries(request, rule.match):
                    if further not in known:
                        known.add(further)
                        waiting.append(further)

    def _seeds(self, old: Mesh, new: Mesh, address: Address) -> Iterator[Request]:
        for mesh, rules in ((new, (*self.after, *self.before)), (old, (*self.before, *self.after))):
            for rule in rules:
                yield from islice(requests_of(mesh, rule.route, rule.match, address), 1)
            yield from (one.request for one in overlaps(mesh, rules, address))
        # Also where an earlier rule takes what meets both: from there it is gone on behind that one.
        for rule in self.after:
            for base in islice(requests_of(new, rule.route, rule.match, address), 1):
                for other in self.before:
                    yield from islice(meeting(base, rule.match, other.match), 1)


def _taker(rules: Sequence[Rule], request: Request) -> int:
    """The place of the first rule that a request meets, -1 for none."""
    return next((at for at, rule in enumerate(rules) if meets(rule.match, request)), -1)
