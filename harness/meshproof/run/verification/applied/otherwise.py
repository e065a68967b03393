"""What of a request is applied otherwise than specified, by prediction, where no load shows it.

A policy that is specified has a load of its own, which shows another one; what is applied beside it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from meshproof.border.coverage import Unproved
from meshproof.border.expectation import Arm, Expectation, Policy
from meshproof.border.request import Hashing
from meshproof.diff.behaviour import policy_changes, stated_at
from meshproof.diff.destinations import addresses
from meshproof.diff.part import target_of
from meshproof.errors import Location
from meshproof.language.words import ENGLISH
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.run.verification.asked_answers import MARGIN, TIMEOUT

Difference = tuple[str, Arm, Location, str]
DRAWN_BY, HASHED, CALLED = "loadBalancer", "CONSISTENT_HASH", "protocol to pods"
ENDPOINTS, ADDRESSES, NOT_SAID = "the port of its endpoints", "the addresses of its endpoints", "none"
TABLE = "the table of its hash"
REMOTE, BACK_OFF, PREVIOUS = "retryRemoteLocalities", "backoff", "retryIgnorePreviousHosts"
OF_RULES = frozenset({TIMEOUT, REMOTE, BACK_OFF, PREVIOUS})


def otherwise(
    specified: Mesh,
    applied: Mesh,
    pairs: Iterable[tuple[Expectation, Expectation]],
    allowed: Set[str],
    earlier: Set[Location] = frozenset(),
) -> Iterator[Unproved]:
    """Each such difference once, of what is specified for requests and what the applied manifests make of them.

    The policies at `earlier` places have their loads by another client, to whom something else may be applied.
    """
    told: set[tuple[str, str, str]] = set()
    for wanted, actual in pairs:
        found = (*_behind(specified, applied, wanted, actual, earlier), *_retried(wanted, actual))
        for kind, arm, place, why in found:
            if (kind, arm.destination, why) not in told:
                told.add((kind, arm.destination, why))
                owner = _owner(kind)
                subject, named = f"{owner} for {arm.host}", not allowed.isdisjoint({kind, owner})
                yield Unproved(kind, subject, place, arm.destination, f"{why}: no load shows it", named)


def _owner(kind: str) -> str:
    """The kind of what states it; retries are stated by rules, of whatever kind."""
    if kind in OF_RULES:
        return "rule"
    return "Service" if kind in (ENDPOINTS, ADDRESSES, CALLED) else "DestinationRule"


def _behind(
    specified: Mesh, applied: Mesh, wanted: Expectation, actual: Expectation, earlier: Set[Location]
) -> Iterator[Difference]:
    others = {(one.destination, one.port): one for one in actual.arms if one.share and one.workloads}
    for arm in wanted.arms:
        other = others.get((arm.destination, arm.port)) if arm.share and arm.workloads else None
        if other is None:
            continue
        for name, before, after in policy_changes(arm.policy, other.policy, ENGLISH):
            if not _is_shown(name, wanted, arm.policy, other.policy, earlier):
                place = stated_at(name, other.policy) or other.location
                yield name, other, place, f"{after} is applied, and {before} is specified"
        table, its = (_table(one.hashed_by) if one.hashed_by else "" for one in (arm, other))
        if table and its and table != its:
            yield TABLE, other, other.location, f"{its} is applied, and {table} is specified"
        yield from _certified(arm, other)
        both = arm.workloads & other.workloads
        ours, theirs = _ports(specified, arm, both), _ports(applied, other, both)
        if ours != theirs:
            why = f"{_listed(theirs)} is applied, and {_listed(ours)} is specified"
            yield ENDPOINTS, other, other.location, why
        here, there = (", ".join(addresses(mesh, one, ENGLISH)) for mesh, one in ((specified, arm), (applied, other)))
        if here != there:
            why = f"{there or NOT_SAID} is applied, and {here or NOT_SAID} is specified"
            yield ADDRESSES, other, _place(applied, other), why


def _table(hashed: Hashing) -> str:
    return f"a {'Maglev table' if hashed.maglev else 'ring'} of {hashed.size:,}"


def _certified(arm: Arm, other: Arm) -> Iterator[Difference]:
    """Certificates of the client's proxy, and authorities, from elsewhere: those that stand in are the same."""
    before, after = (dict(one.tls.certificates) if one.tls else {} for one in (arm, other))
    for name in dict.fromkeys((*before, *after)) if arm.tls and other.tls else ():
        if before.get(name) != after.get(name):
            why = f"{after.get(name, NOT_SAID)} is applied, and {before.get(name, NOT_SAID)} is specified"
            yield name, other, (other.tls and other.tls.location) or other.location, why


def _place(mesh: Mesh, arm: Arm) -> Location:
    """Where the first of the endpoints stands that are no pods."""
    several = filter(None, map(mesh.workload, sorted(arm.workloads)))
    return next((one.location for one in several if not one.in_pods), arm.location)


def _retried(wanted: Expectation, actual: Expectation) -> Iterator[Difference]:
    arm = next((one for one in wanted.arms if one.workloads), None)
    further, there = (bool(one.retries and one.retries.remote_localities) for one in (wanted, actual))
    if arm and further is not there:
        why = "it is applied, and not specified" if there else "it is specified, and not applied"
        said = actual.retries if there else wanted.retries
        yield REMOTE, arm, said.location if said else arm.location, why
    tried, retried = wanted.retries, actual.retries
    if arm is None or tried is None or retried is None:
        return
    own, limit, other = tried.per_try_timeout, wanted.timeout, actual.timeout
    if own and limit and other and own < limit < other <= limit + MARGIN:
        why = f"{other:g} s is applied, and {limit:g} s is specified, which tries of {own:g} s each do not tell apart"
        yield TIMEOUT, arm, actual.route or retried.location, why
    pauses = ["Envoy's own" if one.back_off is None else f"{one.back_off:g} s" for one in (tried, retried)]
    if pauses[0] != pauses[1]:
        yield BACK_OFF, arm, retried.location, f"{pauses[1]} is applied, and {pauses[0]} is specified"
    hashed = any(one.hashed_by for one in wanted.arms)
    again = [hashed if one.ignore_previous_hosts is None else not one.ignore_previous_hosts for one in (tried, retried)]
    if again[0] is not again[1]:
        why = (
            f"a pod that was tried is {'' if again[1] else 'not '}tried again as it is applied, and otherwise specified"
        )
        yield PREVIOUS, arm, retried.location, why


def _is_shown(name: str, wanted: Expectation, policy: Policy, other: Policy, earlier: Set[Location]) -> bool:
    """Whether a load of a verification shows what another policy has of a setting of that name."""
    blocks = {
        "connectionPool": policy.pool,
        "outlierDetection": policy.ejection,
        "retryBudget": policy.retry_budget,
        "warmup": policy.warmup,
    }
    block = name.partition(".")[0]
    if block == DRAWN_BY:
        return policy.load_balancer == HASHED
    if block == CALLED:
        # Each pod sees it, and a client speaks but one version of HTTP.
        call = wanted.request.is_call
        return policy.upstream.is_http2(call=call) is not other.upstream.is_http2(call=call)
    # What is said of mutual TLS is told elsewhere.
    if block not in blocks:
        return True
    place = found.location if (found := blocks[block]) else None
    return place is not None and place not in earlier


def _ports(mesh: Mesh, arm: Arm, among: Set[str]) -> tuple[int, ...]:
    """The ports at which pods and other endpoints of these workloads are called."""
    several = filter(None, (mesh.workload(key) for key in sorted(among)))
    target = target_of(mesh, arm)
    return tuple(number for one in several for number in _called(one, target))


def _called(one: Workload, target: int | str) -> Iterator[int]:
    if one.in_pods and isinstance(target, int):
        yield target
    else:
        yield from (port.number for port in one.ports if not one.in_pods or port.name == target)


def _listed(ports: tuple[int, ...]) -> str:
    return " and ".join(map(str, dict.fromkeys(ports))) or "any port"
