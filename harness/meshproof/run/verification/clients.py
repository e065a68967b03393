"""The clients of a verification: who sends which requests, where rules tell clients apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source, source
from meshproof.errors import Location
from meshproof.mesh.requests.samples import sample_requests
from meshproof.mesh.requests.sources import as_called_by, others
from meshproof.records import dataclass
from meshproof.run.prepare import Prepared
from meshproof.run.verification.boundaries import LeftOut, boundary_expectations
from meshproof.run.verification.specification import Specification

MOST_CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """What one client sends: the samples of the rules that it reaches, and probes of their boundaries."""

    specification: Specification
    samples: list[Expectation]
    probes: list[Expectation]

    @property
    def client(self) -> Source:
        """Who sends it."""
        return source_of(self.specification)


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


def source_of(specification: Specification) -> Source:
    """The client of a specification."""
    return source(specification.namespace, specification.labels)


def sent_by(specification: Specification, client: Source) -> Specification:
    """The same manifests, seen by another client."""
    return replace(specification, namespace=client.namespace, labels=client.labels)


def guessed(specification: Specification, *, any_client: bool, chosen: bool) -> Guessed:
    """Requests for every rule.

    A rule that is for other clients is shown by one of them where the target has `any_client`; not where a person has
    `chosen` the client.
    """
    usual, mesh, tls = source_of(specification), specification.mesh, specification.tls
    requests, told = sample_requests(
        mesh, namespace=usual.namespace, labels=usual.labels, tls=tls, called=specification.called
    )
    unreached = {one.location: one.message for one in told}
    probes, bounds = boundary_expectations(specification)
    first = Sent(specification, [specification.expectation(one) for one in requests], probes)
    further: list[Sent] = []
    elsewhere: dict[Location, str] = {}
    left = Counter(dict(bounds))
    for client, rules in others(mesh, usual).items():
        if not any_client or chosen or len(further) >= MOST_CLIENTS:
            for rule in rules & unreached.keys():
                unreached[rule] = f"this rule is for a client {client}, not for {usual}: name it with --from"
                if chosen:
                    elsewhere[rule] = unreached.pop(rule)
            continue
        own = sent_by(specification, client)
        several, _ = sample_requests(mesh, namespace=client.namespace, labels=client.labels, tls=tls, among=rules)
        if not several:
            continue
        samples = [own.expectation(one) for one in several]
        for one in samples:
            if one.route:
                unreached.pop(one.route, None)
        probes, bounds = boundary_expectations(own, among=rules)
        left.update(dict(bounds))
        further.append(Sent(own, samples, probes))
        # What the usual client gets for the same request shows that the rule is for the other one alone.
        same = (specification.expectation(as_called_by(mesh, one, client, usual)) for one in several)
        first.samples.extend(_new(same, first.samples))
    return Guessed((first, *further), unreached, elsewhere, tuple(left.items()))


def _new(several: Iterable[Expectation], known: Iterable[Expectation]) -> list[Expectation]:
    asked = {one.request for one in known}
    return list({one.request: one for one in several if one.request not in asked}.values())


def named_after(prepared: Prepared, client: Source) -> Prepared:
    """The load under a name that tells whose it is."""
    name = f"{prepared.name} from {client}"
    return replace(prepared, name=name, plan=replace(prepared.plan, scenario=name))
