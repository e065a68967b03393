"""Rules that are applied: which clients they are for, what shows them, and which of them nothing shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.diff.unshown import unshown
from meshproof.errors import Location
from meshproof.manifest import Notice
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.requests.clients.sources import others
from meshproof.mesh.requests.probes import MOST, probes
from meshproof.mesh.requests.samples import sample_requests
from meshproof.mutate.meaning import meaning
from meshproof.run.verification.boundaries import LeftOut
from meshproof.run.verification.specification import Specification


def applied_samples(specification: Specification) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """The usual client's samples of what is applied, and what is said of its rules that have none."""
    own = specification
    return sample_requests(own.applied.mesh, own.client, tls=own.tls)


def opened(specification: Specification, requests: Sequence[Request]) -> Iterator[Expectation]:
    """What is specified for connections that gateways take by what is applied: those to be refused no rule shows."""
    for one in requests:
        if one.is_tcp and one.gateway and not specification.applied_expectation(one).refused:
            yield specification.expectation(one)


def applied_for_others(specification: Specification, usual: Source) -> Mapping[Source, frozenset[Location]]:
    """The clients that rules of what is applied are for, with these rules; none where that is what is specified."""
    return others(specification.applied.mesh, usual) if len(specification.meshes) > 1 else {}


def applied_otherwise_for(
    own: Specification, rules: Set[Location]
) -> tuple[list[Expectation], list[Expectation], LeftOut, frozenset[Location]]:
    """What is specified for a client's requests about rules that are applied for it, where they do something else.

    Samples of the rules, probes of their boundaries, how many are left out, and the rules that a sample reaches. `own`
    is the specification as that client meets it. What is passed on to whatever has its address shows nothing.
    """
    mesh = own.applied.mesh
    several, _ = sample_requests(mesh, own.client, tls=own.tls, among=rules)
    most = None if own.thorough else MOST
    found = probes(mesh, own.client, tls=own.tls, among=rules, most=most, beside=own.mesh)
    reached = frozenset(filter(None, (own.applied_expectation(one).route for one in several)))
    return _differing(own, several), _differing(own, found.requests), found.left_out, reached


def unreached_of_applied(
    specification: Specification,
    told: Sequence[Notice],
    known: Set[Location],
    asked: Iterable[tuple[Specification, Request]],
) -> dict[Location, str]:
    """Why no request shows rules that are applied, and not specified: what they do is nowhere held.

    `told` is what was said of those without a sample of the usual client, `known` are rules that another client shows,
    or that are told already, and `asked` all requests, each with what is specified for who sends it.
    """
    if not any(one.topic == Topic.NOT_SHOWN for one in told):
        return {}
    shown = frozenset(filter(None, (own.applied_expectation(request).route for own, request in asked)))
    found = unshown(specification.applied.mesh, specification.mesh, told, shown | known)
    return {one.location: f"it is applied, and not specified: {one.message}" for _, one in found}


def _differing(own: Specification, requests: Iterable[Request]) -> list[Expectation]:
    expected = map(own.expectation, requests)
    return [
        one for one in expected if not one.undecided and meaning(one) != meaning(own.applied_expectation(one.request))
    ]
