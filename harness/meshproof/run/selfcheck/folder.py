"""The mutants of somebody's own manifests: what is specified stays, what is applied is wrong in one place.

Each is verified as `meshproof verify` verifies: with the loads that it sends, and no others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from meshproof.border.coverage import Coverage
from meshproof.border.request import Request
from meshproof.border.verdict import Outcome, Precision, worst
from meshproof.diff.sides import Side
from meshproof.errors import MeshproofError
from meshproof.judge.coverage.coverage import examinations
from meshproof.manifest import Manifests, Resource
from meshproof.mesh.build.assemble import build_all
from meshproof.mutate import Mutant, differences, mutants
from meshproof.records import dataclass
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.run.prepare import Prepared
from meshproof.run.selfcheck.mutants import Case, not_understood
from meshproof.run.selfcheck.neighbourhood import neighbourhood
from meshproof.run.verification.reading import specified
from meshproof.run.verification.specification import Limits, Specification
from meshproof.run.verification.verification import Verification, verification_of

# What no other load shows as soon as the one whose name begins so.
SHOWN_BY = {
    "resilience": frozenset({"timeout", "retries"}),
    "ConnectionPool": frozenset({"policy"}),
    "OutlierDetection": frozenset({"policy"}),
}


@dataclass(frozen=True, slots=True)
class Folder:
    """Somebody's `own` manifests as they are, and how they are verified; `named` are the requests that were asked for.

    In `manifests` there are also those that stand in for what is not there. `namespace` is that of what names none;
    `proxyless` pods have no sidecar.
    """

    name: str
    own: tuple[Resource, ...]
    manifests: Manifests
    specification: Specification
    verification: Verification
    namespace: str
    named: tuple[Request, ...] = ()
    proxyless: bool = True
    any_client: bool = False

    @property
    def coverage(self) -> Unmutated:
        """Whether all of it can be proved at all."""
        facts = self.verification.coverage
        verdicts = [one.judge(facts) for one in examinations(facts)]
        outcome = worst([one.outcome for one in verdicts])
        reasons = [one.reason for one in verdicts if one.outcome is not Outcome.PASSED]
        return Unmutated("coverage", outcome, reason="; ".join(reasons))


def read_folder(
    files: Sequence[str],
    requests: Sequence[Request],
    precision: Precision,
    *,
    namespace: str,
    probed: bool = True,
    proxyless: bool = True,
    any_client: bool = False,
    limits: Limits,
) -> Folder:
    """The manifests in these files; raises ManifestError and UsageError. The options are those of a verification."""
    hosts = [one.host for one in requests]
    specification = specified(
        files, namespace=namespace, precision=precision, probed=probed, limits=limits, hosts=hosts
    )
    built = specification.specified
    manifests = built.read
    # Mutants are held against the same resources that stand in.
    whole = replace(manifests, resources=(*manifests.resources, *built.stood_in))
    of = partial(verification_of, specification, requests, namespace, proxyless=proxyless, any_client=any_client)
    return Folder(
        ", ".join(files),
        manifests.resources,
        whole,
        specification,
        of(),
        namespace,
        tuple(requests),
        proxyless,
        any_client,
    )


def draw(folder: Folder, size: int, seed: int) -> tuple[tuple[Case, ...], int]:
    """So many mutants that `verify` has to fail, drawn at random, with those met beside them that it need not.

    Also the number of all mutants, of which these are a sample.
    """
    every = list(mutants(folder.own, folder.manifests.resources))
    order = random.Random(seed).sample(range(len(every)), len(every))  # noqa: S311
    found: dict[int, Case] = {}
    left = size
    for number in order:
        if not left:
            break
        found[number] = case(folder, every[number])
        left -= found[number].judged.counts
    return tuple(found[number] for number in sorted(found)), len(every)


def case(folder: Folder, mutant: Mutant) -> Case:
    """What is to be driven for a mutant; its status, where that is known without."""
    judged = Judged(folder.name, 0, mutant.operator, str(mutant.location), mutant.told, part=mutant.part)
    own = folder.specification.specified
    manifests = replace(folder.manifests, resources=mutant.apply(folder.manifests.resources))
    try:
        built = build_all(manifests)
        for one in built.mesh.unmodelled:
            if one.refused and one not in own.mesh.unmodelled:
                reason = f"{one.location}: {one.subject}: {one.why}"
                return Case(replace(judged, status=MutantStatus.REFUSED, reason=reason), None)
        met = neighbourhood(folder.specification, Side(folder.manifests, own), Side(manifests, built))
        verification = _verified(folder, met)
    except MeshproofError as error:
        return Case(replace(judged, status=MutantStatus.REFUSED, reason=str(error)), None)
    if reason := _unproved(folder.verification.coverage, verification.coverage):
        return Case(not_understood(judged, reason), None)
    loads = showing(verification)
    return Case(judged, loads[0], loads[1:]) if loads else Case(_without_difference(folder, judged, met), None)


def showing(verification: Verification) -> tuple[Prepared, ...]:
    """The loads of a verification that have a request with another answer than specified, the likeliest first."""
    changed = {one.name: found for one in verification.driven if (found := _differences(one))}
    several = [one for one in verification.driven if one.name in changed]
    return tuple(sorted(several, key=lambda one: _rank(one.name, changed[one.name])))


def _rank(load: str, changed: frozenset[str]) -> int:
    """Which of several loads is driven first: one that is for nothing else than what changed, last one for others."""
    own = next((fields for name, fields in SHOWN_BY.items() if load.startswith(name)), None)
    return 1 if own is None else 0 if changed <= own else 2


def _verified(folder: Folder, specification: Specification) -> Verification:
    return verification_of(
        specification,
        folder.named,
        folder.namespace,
        proxyless=folder.proxyless,
        any_client=folder.any_client,
    )


def _differences(prepared: Prepared) -> frozenset[str]:
    """In what the answers to the requests of a load differ from those that are specified."""
    found: set[str] = set()
    for wanted, applied in zip(prepared.plan.stages, prepared.plan.applied, strict=True):
        for ours, theirs in zip(wanted, applied, strict=True):
            if ours != theirs:
                found |= differences(ours, theirs)
    return frozenset(found)


def _unproved(original: Coverage, mutated: Coverage) -> str:
    """Why requests can no longer be proved that could; empty where all can."""
    known = {(one.location, one.why) for one in original.dependences}
    for one in mutated.dependences:
        if not one.allowed and (one.location, one.why) not in known:
            return f"{one.location}: {one.subject}: {one.why}"
    rules = set(original.unreached)
    for place, why in mutated.unreached:
        if (place, why) not in rules:
            return f"{place}: {why}"
    policies = {(one.kind, one.destination) for one in original.unproved}
    for policy in mutated.unproved:
        if not policy.allowed and (policy.kind, policy.destination) not in policies:
            return f"{policy.location}: {policy.kind} of {policy.destination}: {policy.why}"
    return ""


def _without_difference(folder: Folder, judged: Judged, met: Specification) -> Judged:
    """The status of a mutant that no request shows: equivalent, unless other requests than those of `verify` would."""
    elsewhere = next(_elsewhere(folder, met), "")
    if not elsewhere:
        return replace(judged, status=MutantStatus.EQUIVALENT, reason="the same")
    if folder.named:
        reason = f"the same for the requests that are named, another for {elsewhere}"
        return replace(judged, status=MutantStatus.EQUIVALENT, reason=reason)
    reason = f"no request of the verification shows it; {elsewhere} would"
    return replace(judged, status=MutantStatus.SURVIVED, outcome=Outcome.PASSED, reason=reason)


def _elsewhere(folder: Folder, met: Specification) -> Iterator[str]:
    """Requests that would show a mutant, among those that `verify` sends where the mutant is what is specified."""
    there = _verified(replace(folder, named=()), replace(met, specified=met.applied, applied=met.specified))
    for one in there.driven:
        for wanted, applied in zip(one.plan.stages, one.plan.applied, strict=True):
            for ours, theirs in zip(wanted, applied, strict=True):
                if ours != theirs and differences(ours, theirs):
                    yield str(ours.request)
