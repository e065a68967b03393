"""The clients of a verification: who sends which requests, where rules tell clients apart."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.errors import Location
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
    usual, mesh, tls = specification.client, specification.mesh, specification.tls
    requests, told = sample_requests(mesh, usual, tls=tls, called=specification.called)
    unreached = {one.location: one.message for one in told}
    probes, bounds = boundary_expectations(specification)
    first = Sent(specification, [specification.expectation(one) for one in requests], probes)
    further: list[Sent] = []
    elsewhere: dict[Location, str] = {}
    left = Counter(dict(bounds))
    most = sys.maxsize if specification.thorough else MOST_CLIENTS
    for client, rules in others(mesh, usual).items():
        if not any_client or chosen or len(further) >= most:
            for rule in rules & unreached.keys():
                unreached[rule] = f"this rule is for a client {client}, not for {usual}: name it with --from"
                if chosen:
                    elsewhere[rule] = unreached.pop(rule)
            continue
        own = replace(specification, client=client)
        several, _ = sample_requests(mesh, client, tls=tls, among=rules)
        if not several:
            continue
        samples = [own.expectation(one) for one in several]
        for one in samples:
            if one.route:
                unreached.pop(one.route, None)
        probes, bounds = boundary_expectations(own, among=rules)
        left.update(dict(bounds))
        further.append(Sent(own, samples, probes))
        # What the usual client gets for the same request shows that the rule is for the other one alone, unless it is
        # passed on to whatever has its address.
        same = [specification.expectation(as_called_by(mesh, one, client, usual)) for one in several]
        same = [one for one in same if not one.undecided]
        first.samples.extend(_new((one for one in same if not _leads_nowhere(one)), first.samples))
        first.probes.extend(_new(filter(_leads_nowhere, same), first.expected))
    # A Service that one of the two hides from the usual client is among no samples of the other.
    either = (one for service in mesh.services for one in calls(mesh, service, usual))
    if len(specification.meshes) > 1:
        _add(first, [specification.expectation(one) for one in either if _is_changed(specification, one)])
        requests, applied_told = applied_samples(specification)
        meshes, made = (specification.mesh, specification.applied.mesh), specification.made
        called = [specification.expectation(one) for one in asked(*meshes, usual, made)]
        _add(first, [one for one in called if not one.request.is_tcp])
        # Connections are no probes, whoever answers them.
        connections = (one for one in called if one.request.is_tcp)
        first.samples.extend(_new((*opened(specification, requests), *connections), first.samples))
    untold: set[Location] = set()
    for client, rules in applied_for_others(specification, usual).items():
        own = replace(specification, client=client)
        differing, beside, bounds, reached = applied_otherwise_for(own, rules)
        untold |= reached
        known = next((one for one in further if one.client == client), None)
        if not any_client or chosen or (known is None and len(further) >= most):
            if differing or beside:
                why = f"a rule that is applied is for a client {client}, not for {usual}: name it with --from"
                (elsewhere if chosen else unreached)[min(rules, key=lambda one: (one.file, one.line))] = why
            untold |= rules
            continue
        if known is None and (differing or beside):
            further.append(known := Sent(own, [], []))
        if known is not None:
            left.update(dict(bounds))
            _add(known, differing)
            known.probes.extend(_new(beside, [*known.samples, *known.probes]))
    for client, aparts in told_apart(specification.meshes, usual).items():
        own = replace(specification, client=client)
        shown = [one.request for one in first.samples]
        about = (one for one in requests_about(mesh, usual, aparts, shown) if _is_told(specification, own, one))
        known = next((one for one in further if one.client == client), None)
        if not any_client or chosen or (known is None and len(further) >= most):
            if next(about, None):
                why = f"{aparts[0].what} treats a client {client} otherwise than {usual}: name it with --from"
                (elsewhere if chosen else unreached)[aparts[0].place] = why
            continue
        taken = list(islice(about, MOST_REQUESTS))
        if more := sum(1 for _ in about):
            left[aparts[0].place] += more
        expected = [own.expectation(one) for one in taken]
        if known is None and expected:
            further.append(known := Sent(own, [], []))
        if known is not None:
            _add(known, expected)
    if len(specification.meshes) > 1:
        for sent in (first, *further):
            _add(sent, _changed_by_rule(sent))
        asked_for = ((sent.specification, each.request) for sent in (first, *further) for each in sent.expected)
        unreached |= unreached_of_applied(specification, applied_told, untold, asked_for)
    return Guessed((first, *further), unreached, elsewhere, tuple(left.items()))


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
