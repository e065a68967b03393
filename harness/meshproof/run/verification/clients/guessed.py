"""Requests for every rule of somebody's manifests, where nobody names any, by the client that sends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import field, replace
from itertools import islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.errors import Location
from meshproof.manifest import Notice
from meshproof.mesh.requests.clients.apart import requests_about, told_apart
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, as_called_by, others
from meshproof.mesh.requests.clients.unruled import calls
from meshproof.mesh.requests.completing import answerable
from meshproof.mesh.requests.samples import sample_requests
from meshproof.mutate.meaning import meaning
from meshproof.records import dataclass
from meshproof.run.prepare import Prepared
from meshproof.run.verification.applied.hosts import asked
from meshproof.run.verification.boundaries import LeftOut, boundary_expectations
from meshproof.run.verification.clients.applied import (
    applied_for_others,
    applied_otherwise_for,
    applied_samples,
    opened,
    unreached_of_applied,
)
from meshproof.run.verification.clients.let_in import by_who_is_let_in
from meshproof.run.verification.specification import Specification

# Requests of one client about what tells it apart.
MOST_REQUESTS = 2000


@dataclass(frozen=True, slots=True)
class Sent:
    """What one client sends: the samples of the rules that it reaches, and probes of their boundaries."""

    specification: Specification
    samples: list[Expectation]
    probes: list[Expectation]

    @property
    def expected(self) -> Iterator[Expectation]:
        """All of them."""
        yield from self.samples
        yield from self.probes

    @property
    def client(self) -> Source:
        """Who sends it."""
        return self.specification.client


@dataclass(frozen=True, slots=True)
class Guessed:
    """What is sent where nobody names requests, by client, the usual one first.

    `unreached` says of each rule without a request why there is none, `elsewhere` of rules that are for other clients
    than the one that a person named, and `left_out` which probes were too many.
    """

    by_client: tuple[Sent, ...]
    unreached: dict[Location, str]
    elsewhere: dict[Location, str]
    left_out: LeftOut


def guessed(specification: Specification, *, any_client: bool, chosen: bool) -> Guessed:
    """Requests for every rule.

    A rule that is for other clients is shown by one of them where the target has `any_client`; not where a person has
    `chosen` the client.
    """
    found = _Guessing(specification, any_client and not chosen, chosen)
    found.by_the_usual()
    found.by_others()
    found.by_let_in()
    if len(specification.meshes) > 1:
        told = found.of_applied()
        shown = found.of_applied_by_others()
        found.by_told_apart()
        found.changed(told, shown)
    else:
        found.by_told_apart()
    return Guessed(
        (found.first, *found.further.values()), found.unreached, found.elsewhere, tuple(found.left_out.items())
    )


@dataclass(slots=True)
class _Guessing:
    """What has been guessed so far; with `any_client` the clients that rules are for send theirs."""

    specification: Specification
    any_client: bool
    chosen: bool
    first: Sent = field(init=False)
    further: dict[Source, Sent] = field(default_factory=dict)
    unreached: dict[Location, str] = field(default_factory=dict)
    elsewhere: dict[Location, str] = field(default_factory=dict)
    left_out: Counter[Location] = field(default_factory=Counter)

    @property
    def usual(self) -> Source:
        return self.specification.client

    def _sending(self, client: Source) -> Sent | None:
        """What another client sends so far; None where it sends nothing."""
        known = self.further.get(client)
        full = not self.specification.thorough and len(self.further) >= MOST_CLIENTS
        if not self.any_client or (full and known is None):
            return None
        return known or Sent(replace(self.specification, client=client), [], [])

    def _sends(self, sent: Sent, left_out: LeftOut = ()) -> None:
        if sent.samples or sent.probes:
            self.further[sent.client] = sent
            self.left_out.update(dict(left_out))

    def _is_for(self, place: Location, what: str) -> None:
        """Say of a rule or an object that it is about a client that sends nothing."""
        (self.elsewhere if self.chosen else self.unreached)[place] = f"{what}: name it with --from"

    def by_the_usual(self) -> None:
        """Samples and probes of the usual client."""
        own = self.specification
        requests, told = sample_requests(own.mesh, own.client, tls=own.tls, called=own.called)
        self.unreached = {one.location: one.message for one in told}
        probes, left_out = boundary_expectations(own)
        self.left_out.update(dict(left_out))
        self.first = Sent(own, [own.expectation(one) for one in requests], probes)

    def by_others(self) -> None:
        """Those of the clients that rules are for, and what the usual client gets for the same."""
        own, mesh = self.specification, self.specification.mesh
        for client, rules in others(mesh, self.usual).items():
            sent = self._sending(client)
            if sent is None:
                for rule in rules & self.unreached.keys():
                    del self.unreached[rule]
                    self._is_for(rule, f"this rule is for a client {client}, not for {self.usual}")
                continue
            several, _ = sample_requests(mesh, client, tls=own.tls, among=rules)
            if not several:
                continue
            sent.samples.extend(map(sent.specification.expectation, several))
            for one in sent.samples:
                if one.route:
                    self.unreached.pop(one.route, None)
            probes, left_out = boundary_expectations(sent.specification, among=rules)
            sent.probes.extend(probes)
            self._sends(sent, left_out)
            # What the usual client gets for the same request shows that the rule is for the other one alone, unless it
            # is passed on to whatever has its address.
            same = [own.expectation(as_called_by(mesh, one, client, self.usual)) for one in several]
            same = [one for one in same if not one.undecided]
            self.first.samples.extend(_new((one for one in same if not _leads_nowhere(one)), self.first.samples))
            self.first.probes.extend(_new(filter(_leads_nowhere, same), self.first.expected))

    def by_let_in(self) -> None:
        """What pods let in from somebody else than the usual client, sent by that client in its place."""
        if self.any_client and self.specification.mesh.authorization_policies:
            samples = self._handed_over(self.first.samples, probing=False)
            self.first = replace(self.first, samples=samples, probes=self._handed_over(self.first.probes, probing=True))

    def _handed_over(self, several: Sequence[Expectation], *, probing: bool) -> list[Expectation]:
        """Those that the usual client sends all the same."""
        kept: list[Expectation] = []
        theirs: dict[Source, list[Expectation]] = {}
        for one, found, client in by_who_is_let_in(self.specification, several, self._sending, probing=probing):
            if client == self.usual or (sent := self._sending(client)) is None:
                kept.append(one)
                continue
            self.further[client] = sent
            theirs.setdefault(client, []).append(found)
        for sent, more in ((self.further[client], found) for client, found in theirs.items()):
            (sent.probes if probing else sent.samples).extend(_new(more, sent.expected))
        return kept

    def of_applied(self) -> tuple[Notice, ...]:
        """What the usual client asks of what is applied; what is said of its rules without a sample."""
        own, applied = self.specification, self.specification.applied.mesh
        # A Service that one of the two hides from the usual client is among no samples of the other.
        either = (one for service in own.mesh.services for one in calls(own.mesh, service, self.usual))
        _add(self.first, [own.expectation(one) for one in either if _is_changed(own, one)])
        requests, told = applied_samples(own)
        called = [own.expectation(one) for one in asked(own.mesh, applied, self.usual, own.made)]
        _add(self.first, [one for one in called if not one.request.is_tcp])
        # Connections are no probes, whoever answers them.
        connections = (one for one in called if one.request.is_tcp)
        self.first.samples.extend(_new((*opened(own, requests), *connections), self.first.samples))
        return told

    def of_applied_by_others(self) -> set[Location]:
        """What the clients ask that rules of what is applied are for; the rules of which nothing is to be said."""
        shown: set[Location] = set()
        for client, rules in applied_for_others(self.specification, self.usual).items():
            own = replace(self.specification, client=client)
            differing, beside, left_out, reached = applied_otherwise_for(own, rules)
            shown |= reached
            sent = self._sending(client)
            if sent is not None:
                _add(sent, differing)
                sent.probes.extend(_new(beside, sent.expected))
                self._sends(sent, left_out)
                continue
            if differing or beside:
                place = min(rules, key=lambda one: (one.file, one.line))
                self._is_for(place, f"a rule that is applied is for a client {client}, not for {self.usual}")
            shown |= rules
        return shown

    def by_told_apart(self) -> None:
        """What the clients ask that objects tell from the usual one where no rule does."""
        own = self.specification
        for client, aparts in told_apart(own.meshes, self.usual).items():
            sent, first = self._sending(client), aparts[0]
            theirs = replace(own, client=client)
            shown = [one.request for one in self.first.samples]
            about = requests_about(own.mesh, self.usual, aparts, shown)
            about = (one for one in about if _is_told(own, theirs, one))
            if sent is None:
                if next(about, None):
                    self._is_for(first.place, f"{first.what} treats a client {client} otherwise than {self.usual}")
                continue
            _add(sent, [theirs.expectation(one) for one in islice(about, MOST_REQUESTS)])
            more = sum(1 for _ in about)
            self._sends(sent, ((first.place, more),) if more else ())

    def changed(self, told: Sequence[Notice], shown: Set[Location]) -> None:
        """What shows that rules are applied otherwise, and which of what is applied nothing shows."""
        several = (self.first, *self.further.values())
        for sent in several:
            _add(sent, _changed_by_rule(sent))
        requests = ((sent.specification, each.request) for sent in several for each in sent.expected)
        self.unreached |= unreached_of_applied(self.specification, told, shown, requests)


def _leads_nowhere(one: Expectation) -> bool:
    """Whether a rule leads a client to what has no pods for it alone: no share of the pods' answers shows that."""
    return bool(one.arms) and not any(arm.workloads for arm in one.arms if arm.share)


def _changed_by_rule(sent: Sent) -> list[Expectation]:
    """What is specified for a probe of each two rules that take it on either side, where they do not mean the same.

    Copies, times and tries of a probe are not held: as samples these are.
    """
    own = sent.specification
    found: dict[tuple[Location | None, Location | None], Request] = {}
    for one in sent.probes:
        actual = own.applied_expectation(one.request)
        key = one.route, actual.route
        if one.arms and not one.undecided and key not in found and meaning(one) != meaning(actual):
            found[key] = answerable(own.mesh, one)
    return [own.expectation(one) for one in found.values()]


def _add(sent: Sent, expected: Sequence[Expectation]) -> None:
    """What pods answer to is a sample; what the proxy answers itself is probed."""
    sent.samples.extend(_new((one for one in expected if one.arms), sent.samples))
    sent.probes.extend(_new((one for one in expected if not one.arms), [*sent.samples, *sent.probes]))


def _is_changed(specification: Specification, request: Request) -> bool:
    """Whether something else answers a request in what is applied: pods, nobody, or whatever it is passed on to."""
    wanted, actual = specification.expectation(request), specification.applied_expectation(request)
    if wanted.undecided or actual.undecided:
        return bool(wanted.undecided) is not bool(actual.undecided)
    return bool(wanted.arms) is not bool(actual.arms)


def _is_told(specification: Specification, own: Specification, request: Request) -> bool:
    """Whether a request means something else to another client than to the usual one, in what is specified or applied.

    What is passed on to whatever has its address shows nothing.
    """
    pairs = [(specification.expectation(request), own.expectation(request))]
    if len(specification.meshes) > 1:
        pairs.append((specification.applied_expectation(request), own.applied_expectation(request)))
    return not all(other.undecided for _, other in pairs) and any(
        meaning(one) != meaning(other) for one, other in pairs
    )


def _new(several: Iterable[Expectation], known: Iterable[Expectation]) -> list[Expectation]:
    asked = {one.request for one in known}
    return list({one.request: one for one in several if one.request not in asked}.values())


def named_after(prepared: Prepared, client: Source) -> Prepared:
    """The load under a name that tells whose it is."""
    name = f"{prepared.name} from {client}"
    return replace(prepared, name=name, plan=replace(prepared.plan, scenario=name))
