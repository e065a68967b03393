"""The loads of one client: samples, probes of its rules' boundaries, timeouts and retries, and hashed choices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from meshproof.border.coverage import Unproved
from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.errors import Location
from meshproof.manifest import Notice
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.records import dataclass
from meshproof.run.prepare import Prepared
from meshproof.run.verification.asked_answers import Untold
from meshproof.run.verification.boundaries import changed, prepare_boundaries
from meshproof.run.verification.breakers.policies import rule_at
from meshproof.run.verification.clients.guessed import Sent
from meshproof.run.verification.coverage import partition
from meshproof.run.verification.hashed_requests import prepare_hashed
from meshproof.run.verification.resilience import prepare_resilience
from meshproof.run.verification.samples import prepare_samples
from meshproof.run.verification.specification import Specification


@dataclass(frozen=True, slots=True)
class Loads:
    """What is driven for one client, and how much of what it sends can be proved.

    `driven` are the samples, the boundaries, resilience, and hashed choices.
    """

    specification: Specification
    driven: tuple[Prepared | None, Prepared | None, Prepared | None, Prepared | None]
    provable: tuple[Expectation, ...]
    touched: tuple[tuple[Expectation, tuple[Unmodelled, ...]], ...]
    unproved: tuple[Unproved, ...]

    @property
    def client(self) -> Source:
        """Who sends it."""
        return self.specification.client


def loads(sent: Sent, notices: Sequence[Notice], *, proxyless: bool, earlier: Set[Location] = frozenset()) -> Loads:
    """The loads of one of several clients; `earlier` are the policies that those before it show."""
    specification = sent.specification
    provable, touched = partition(specification, sent.samples)
    # What the rules of these change is held whether or not their boundaries are probed.
    probes = {one.request: one for one in (*sent.probes, *changed(specification, provable))}
    probed, probed_touched = partition(specification, probes.values())
    samples = prepare_samples(specification, provable, notices)
    resilience, untold = prepare_resilience(specification, samples.plan, proxyless=proxyless) if samples else (None, ())
    hashed, unshown = prepare_hashed(specification, provable)
    if samples is not None:
        told = (*(_notices(untold) if specification.probed else ()), *unshown)
        samples = replace(samples, notices=(*samples.notices, *told))
    driven = samples, prepare_boundaries(specification, probed), resilience, hashed
    unproved = (*_unproved(specification, untold), *_without_pods(specification, provable))
    unproved = (*unproved, *_unheld(specification, provable))
    if len(specification.meshes) > 1:
        from meshproof.run.verification.applied.otherwise import otherwise

        pairs = ((one, specification.applied_expectation(one.request)) for one in provable)
        meshes = specification.mesh, specification.applied.mesh
        unproved = (*unproved, *otherwise(*meshes, pairs, specification.allowed, earlier))
    return Loads(specification, driven, tuple(provable), (*touched, *probed_touched), unproved)


def _notices(untold: Iterable[Untold]) -> list[Notice]:
    """What is said where the rule states nothing, so that Istio's defaults are not shown."""
    several = (one for one in untold if not one.stated)
    return list(dict.fromkeys(Notice(one.location, f"{one.request}: its {one.kind}: {one.why}") for one in several))


def _unproved(specification: Specification, untold: Iterable[Untold]) -> Iterator[Unproved]:
    for one in untold:
        if one.stated:
            yield _of_rule(specification, one.kind, one.location, one.location, str(one.request), one.why)


def _without_pods(specification: Specification, provable: Iterable[Expectation]) -> Iterator[Unproved]:
    """Mirrors of which no pod gets a copy: whoever asks notices nothing of it."""
    told: dict[Location, Unproved] = {}
    for one in provable:
        for copy in one.copies:
            if copy.share and not copy.workloads and copy.location not in told:
                why = f"{copy.note.partition(': Envoy')[0]}, so no copy arrives anywhere"
                found = _of_rule(specification, "mirror", one.route, copy.location, str(one.request), why)
                told[copy.location] = found
    yield from told.values()


def _unheld(specification: Specification, provable: Iterable[Expectation]) -> Iterator[Unproved]:
    """Headers whose values nobody knows beforehand: nothing is held of them, and all else of their requests is.

    Those that are applied alone are among them.
    """
    told: dict[tuple[Location | None, str], Unproved] = {}
    differing = len(specification.meshes) > 1
    wanted = list(provable)
    applied = (specification.applied_expectation(one.request) for one in wanted if differing)
    for one in (*wanted, *applied):
        several = (one.headers, *(side for arm in one.arms for side in (arm.request_headers, arm.response_headers)))
        for name, text in (pair for each in several for pair in each.untold):
            if one.route and (one.route, name) not in told:
                why = f"the value of {name}, {text!r}, is not known beforehand, and nothing is held of it"
                found = _of_rule(specification, "headers", one.route, one.route, "", why)
                # Of what stands under its own name no request is counted as one that is not proved.
                told[one.route, name] = replace(found, destination=found.subject)
    yield from told.values()


def _of_rule(
    specification: Specification, kind: str, rule: Location | None, place: Location, request: str, why: str
) -> Unproved:
    owner, _ = rule_at(specification.mesh, rule)
    subject = f"VirtualService {owner.namespace}/{owner.name}" if owner else "VirtualService"
    allowed = not specification.allowed.isdisjoint({kind, "VirtualService"})
    return Unproved(kind, subject, place, request, why, allowed)
