"""Two meshes held against each other, request by request; what changes alike is said once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.diff.behaviour import OUTCOME, behaviour, called, policies, policy_changes, stated_at
from meshproof.diff.changed import Differing, Opaque, differing, opaque, reach, without_places
from meshproof.diff.destinations import BEHIND
from meshproof.diff.let_in import LET_IN, differing_policies, let_in, place_of
from meshproof.diff.let_in import Differing as Guards
from meshproof.diff.search import Tried, as_served, search
from meshproof.diff.sides import Side
from meshproof.diff.untold import untold
from meshproof.errors import Location
from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.visibility import alias
from meshproof.records import dataclass

UNSHOWN = "no request was found that shows this rule"


@dataclass(frozen=True, slots=True)
class Change:
    """What changes alike for some requests of one host.

    `about` is what changes: `outcome`, `timeout`, `loadBalancer`. `host` is what they ask for, and the Gateway
    that they enter by; `source` sends them where the usual client does not (None: it does). `requests` are the tried
    ones that change so, the plainest first; `whole` tells that no other of that host was tried that could. `before`
    and `after` are the places of the rules that decide the first of them (None: no rule does), or of the policy that
    is another one; `other_rule` tells that these are not one and the same rule.
    """

    about: str
    host: str
    source: Source | None
    old: str
    new: str
    requests: tuple[Request, ...]
    whole: bool
    before: Location | None
    after: Location | None
    other_rule: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that changes for the requests that were `tried`, and what is not known of it.

    `objects` is how many differ as they are written, `opaque` those of them that are not understood, `standing` what
    is not understood and is the same on both sides, `left_out` how many more requests there are, and about what.
    """

    changes: tuple[Change, ...]
    tried: int
    objects: int
    opaque: tuple[Opaque, ...] = ()
    standing: tuple[Unmodelled, ...] = ()
    left_out: tuple[tuple[Location, int], ...] = ()
    clients: int = 0

    @property
    def is_same(self) -> bool:
        """Whether nothing changes for any request, and all is known that says so."""
        return not (self.changes or self.opaque or self.left_out or self.clients)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What both sides make of one request."""

    request: Request
    source: Source
    host: str
    old: Expectation
    new: Expectation


def compare(old: Side, new: Side, namespace: str, words: Words = ENGLISH) -> Comparison:
    """Everything that is found, told in a language; `namespace` is that of the usual client."""
    found = differing(old, new)
    touched = reach(old, new, found)
    tried = search((old.mesh, new.mesh), touched, namespace)
    pairs = list(_pairs(old.mesh, new.mesh, tried, words))
    differing_parts = tuple(opaque(old, new, found))
    open_to = untold(old, new, differing_parts)
    known = [one for one in pairs if not open_to.hides(one.old, one.new, one.source)]
    changes = tuple(_grouped(old.mesh, new.mesh, known, words))
    wrong = {one.part.subject for one in differing_parts if one.part.is_wrong}
    unshown = (one for one in _unshown(old.mesh, new.mesh, tried) if one.part.subject not in wrong)
    hidden = (*differing_parts, *unshown)
    return Comparison(
        changes,
        len(pairs),
        _number(found),
        hidden,
        tuple(_standing(new.mesh, pairs, {one.part for one in hidden})),
        tried.left_out,
        tried.clients,
    )


def _unshown(old: Mesh, new: Mesh, tried: Tried) -> Iterator[Opaque]:
    """Rules of which it is not known whether they change anything, as things that are not understood."""
    for mesh, several, how in ((new, tried.unshown[0], "gone"), (old, tried.unshown[1], "new")):
        known = {(one.namespace, one.name) for one in mesh.virtual_services}
        for owner, notice in several:
            changed = "changed" if (owner.namespace, owner.name) in known else how
            name = f"VirtualService {owner.namespace}/{owner.name}"
            yield Opaque(Unmodelled("VirtualService", name, notice.location, UNSHOWN, ()), changed)


def _number(found: Differing) -> int:
    return len({one.identity for one in (*found.gone, *found.came)})


def _pairs(old: Mesh, new: Mesh, tried: Tried, words: Words) -> Iterator[_Pair]:
    for client, requests in tried.by_client:
        known: set[tuple[Request, Request]] = set()
        for request in requests:
            both = as_served(old, request, new), as_served(new, request, old)
            if both not in known:
                known.add(both)
                first, second = (predict(mesh, one, client) for mesh, one in zip((old, new), both, strict=True))
                yield _Pair(both[1], client, _host(old, new, both[1], client, words), first, second)


def _host(old: Mesh, new: Mesh, request: Request, client: Source, words: Words) -> str:
    """What a request asks for, as people call it."""
    if request.gateway:
        key = request.gateway.split("/")
        return words("{host} by Gateway {gateway}", host=_entered(old, new, request), gateway="/".join(key[:2]))
    aliases = (alias(mesh, request.domain, client.namespace) for mesh in (new, old))
    services = (asked_service(mesh, request, client.namespace) for mesh in (new, old))
    found = chain(aliases, services)
    return next((one.called for one in found if one), request.domain)


def _entered(old: Mesh, new: Mesh, request: Request) -> str:
    """The host of a request that enters by a gateway: of those that a pattern takes on both sides, the pattern."""
    if request.is_tcp:
        return request.domain
    from meshproof.mesh.predict.gateway_table import gateway_table

    found = [domain for mesh in (new, old) if (domain := gateway_table(mesh, request).domain)]
    return request.domain if not found or request.domain in found else max(found, key=len)


def _grouped(old: Mesh, new: Mesh, pairs: Sequence[_Pair], words: Words) -> Iterator[Change]:
    groups: dict[tuple[str, str, Hashable, Hashable], list[_Found]] = {}
    totals: dict[tuple[str, bool], int] = {}
    guards = differing_policies(old, new)
    for pair in pairs:
        for found in _changes(old, new, pair, guards, words):
            # What differs with each request is alike where the same rules do it.
            before, after = (pair.old.route, pair.new.route) if found.own else (found.before, found.after)
            groups.setdefault((found.about, pair.host, before, after), []).append(found)
        for is_outcome in (True, False):
            if _counts(pair, is_outcome):
                totals[pair.host, is_outcome] = totals.get((pair.host, is_outcome), 0) + 1
    rules = _Rules(old, new)
    usual = pairs[0].source if pairs else None
    for (about, host, _, _), several in groups.items():
        ordered = sorted(several, key=lambda one: _plainness(one.pair))
        first, pair = ordered[0], ordered[0].pair
        usually = any(one.pair.source == usual for one in ordered)
        requests = tuple(dict.fromkeys(one.pair.request for one in ordered))
        whole = not first.own and len(several) == totals.get((host, about == OUTCOME), 0)
        yield Change(
            about,
            host,
            None if usually else pair.source,
            first.before,
            first.after,
            requests,
            whole,
            pair.old.route,
            first.place or pair.new.route,
            first.place is None and not rules.same(pair.old.route, pair.new.route),
        )


def _counts(pair: _Pair, is_outcome: bool) -> bool:
    """Whether a request is one of those that could change: whatever the proxy itself refuses in any case is not."""
    both = (pair.old, pair.new)
    if is_outcome:
        return any(one.arms or one.route or one.redirect for one in both)
    return all(one.arms for one in both)


def _plainness(pair: _Pair) -> tuple[int, int, str]:
    request = pair.request
    return len(request.headers), len(request.path), str(request)


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing that changes for one request; `own` as of a Part, `place` where it stands if not in the rule."""

    pair: _Pair
    about: str
    before: str
    after: str
    own: bool = False
    place: Location | None = None


def _changes(old: Mesh, new: Mesh, pair: _Pair, guards: Guards, words: Words) -> Iterator[_Found]:
    first, second = behaviour(old, pair.old, words), behaviour(new, pair.new, words)
    elsewhere = first[OUTCOME].value != second[OUTCOME].value
    for about, one in first.items():
        other = second.get(about)
        if elsewhere and about in BEHIND:
            # Of another destination all is another: that says nothing more.
            continue
        if other is not None and one.value != other.value:
            yield _Found(pair, about, one.shown(other), other.shown(one), one.own or other.own)
    if guards and not elsewhere and pair.old.arms:
        one, other = (let_in(*each, pair.source, words) for each in ((old, pair.old), (new, pair.new)))
        if one.value != other.value:
            yield _Found(pair, LET_IN, one.text, other.text, place=place_of(guards, new, pair.new))
    before, after = policies(old, pair.old), policies(new, pair.new)
    for key in (one for one in before if one in after):
        for setting, value, new_value in policy_changes(before[key][1], after[key][1], words):
            name, policy = after[key]
            about = called(setting, words)
            about = about if name == pair.host else words("{what} at {name}", what=about, name=name)
            yield _Found(pair, about, value, new_value, place=stated_at(setting, policy))


class _Rules:
    """The rules of both sides by their places, with what makes them one rule: whose they are, and what they ask."""

    def __init__(self, old: Mesh, new: Mesh) -> None:
        self._old, self._new = _signatures(old), _signatures(new)

    def same(self, one: Location | None, other: Location | None) -> bool:
        if one is None or other is None:
            return one is other
        return self._old.get(one) == self._new.get(other)


def _signatures(mesh: Mesh) -> dict[Location, object]:
    return {
        rule.location: (owner.namespace, owner.name, without_places(rule.matches))
        for owner in mesh.virtual_services
        for rule in owner.rules
    }


def _standing(mesh: Mesh, pairs: Sequence[_Pair], hidden: set[Unmodelled]) -> Iterator[Unmodelled]:
    """What the tried requests depend on that is not understood, and that did not change."""
    dependencies = Dependencies(mesh, mesh.unmodelled)
    found: dict[Unmodelled, None] = {}
    for pair in pairs:
        found |= dict.fromkeys(dependencies.touching(facts(mesh, pair.new, pair.source)))
        found |= dict.fromkeys(undecided(mesh, pair.new) if pair.new.undecided else ())
    told = {one.subject for one in hidden}
    return (one for one in found if one not in hidden and one.subject not in told)
