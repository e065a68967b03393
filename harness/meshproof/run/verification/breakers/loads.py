"""The loads that prove pools, outlier detection and budgets, each with a destination of its own; what none proves.

In each of them one rule leads to the destination alone: a policy belongs to a destination, however requests get there.
Requests are held and pods made to fail, so that only pods without a proxy before them show exactly what happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from math import ceil, inf

from meshproof.border.coverage import Unproved
from meshproof.border.expectation import Ejection, Expectation, Pool
from meshproof.border.load import Load
from meshproof.border.steps import AtOnce
from meshproof.errors import Location
from meshproof.judge import ConnectionPool, LocalityFailover, OutlierDetection, RetryBudget, WarmUp
from meshproof.judge.connection_pool import budget
from meshproof.judge.connection_pool.limits import THOROUGH, USUAL, connect_attempts, steps, unproved
from meshproof.judge.ejections import allowed, duration, proof_seconds
from meshproof.judge.warm_up import law
from meshproof.mesh.predict.prediction import predict
from meshproof.records import dataclass
from meshproof.run.prepare import Prepared, prepared_load
from meshproof.run.verification.breakers.policies import Target, alone, behind, joined_by, stated_by, targets
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Check, Scenario

FEATURES = frozenset({"ProbeWorkload", "ProxylessWorkloads"})
# Seconds that a proof may take, and how many policies are proved, unless a person wants it thorough.
LONGEST_PROOF = 60.0
MOST_POLICIES = 200
MOST_HOSTS = 10
# Seconds that an answer may take beside the attempts to connect.
CLIENT_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Breakers:
    """What is driven for the policies of a specification, and which of them are not proved."""

    driven: list[Prepared] = field(default_factory=list)
    unproved: list[Unproved] = field(default_factory=list)


def prepare_breakers(several: Iterable[tuple[Specification, Iterable[Expectation]]], *, proxyless: bool) -> Breakers:
    """A load for each policy of each destination that the samples of some clients reach, by the first that does."""
    found = Breakers()
    known: set[tuple[str, int, str, Location]] = set()
    for specification, samples in several:
        for target in targets(samples):
            _prove(specification, target, found, known, proxyless=proxyless)
    return found


def _prove(
    specification: Specification,
    target: Target,
    found: Breakers,
    known: set[tuple[str, int, str, Location]],
    *,
    proxyless: bool,
) -> None:
    """Have each policy of a target that is not known yet driven, or say why it is not proved."""
    for kind, place in _stated(target):
        key = (target.name, target.port, kind, place)
        if key in known:
            continue
        known.add(key)
        proof: Prepared | str
        if not (proxyless and specification.probed):
            proof = "a proxy stands before each pod here; the embedded mesh shows it"
        elif target.sample.request.is_tcp:
            proof = "only requests of HTTP show it, and connections alone lead to this port"
        elif len(found.driven) >= MOST_POLICIES and not specification.thorough:
            proof = f"there are more than {MOST_POLICIES} policies to show: --thorough shows them all"
        else:
            proof = PROOFS[kind](specification, target)
        if isinstance(proof, Prepared):
            found.driven.append(proof)
        else:
            permitted = not specification.allowed.isdisjoint({kind, "DestinationRule"})
            subject = stated_by(specification.mesh, place)
            found.unproved.append(Unproved(kind, subject, place, target.name, proof, permitted))


def _stated(target: Target) -> Iterator[tuple[str, Location]]:
    pool, ejection = target.policy.pool, target.policy.ejection
    if pool and pool.location:
        yield "connectionPool", pool.location
    if ejection and ejection.location:
        yield "outlierDetection", ejection.location
    if target.policy.retry_budget and target.policy.retry_budget.location:
        yield "retryBudget", target.policy.retry_budget.location
    if target.policy.warmup and target.policy.warmup.location:
        yield "warmup", target.policy.warmup.location
    if target.localities and target.localities.location:
        yield target.localities.name, target.localities.location


def _pool(specification: Specification, target: Target) -> Prepared | str:
    """The load that shows a connection pool, by one pod; or why there is none."""
    pool = target.policy.pool or Pool()
    expected = _expected(specification, target, 1)
    if isinstance(expected, str):
        return expected
    reach = THOROUGH if specification.thorough else USUAL
    if why := unproved(pool, expected, reach):
        return why if specification.thorough else f"{why} (--thorough goes further)"
    wanted = steps(pool, expected, (), 0, fresh=True, reach=reach)
    users = max((step.size for step in wanted if isinstance(step, AtOnce)), default=1)
    timeout = CLIENT_TIMEOUT + connect_attempts(expected) * (pool.connect_timeout or 0.0)
    load = Load("barrier", expected.request, users=users, timeout=timeout)
    return _prepared(specification, target, load, ConnectionPool(thorough=specification.thorough), 1)


def _budget(specification: Specification, target: Target) -> Prepared | str:
    """The load that shows how many retries are made at once, by one pod; or why there is none."""
    rule = target.policy.retry_budget
    expected = _expected(specification, target, 1)
    if rule is None or isinstance(expected, str):
        return expected if isinstance(expected, str) else "it is out of force"
    reach = THOROUGH if specification.thorough else USUAL
    if why := budget.unproved(rule, expected, reach):
        return why if specification.thorough else f"{why} (--thorough goes further)"
    users = max(step.whole for step in budget.steps(rule, expected, reach) if isinstance(step, AtOnce))
    load = Load("barrier", expected.request, users=users, timeout=CLIENT_TIMEOUT)
    return _prepared(specification, target, load, RetryBudget(thorough=specification.thorough), 1)


def _ejection(specification: Specification, target: Target) -> Prepared | str:
    """The load that shows outlier detection, by as many pods as it takes to eject one; or why there is none."""
    rule = target.policy.ejection or Ejection()
    hosts = _hosts(specification, target, rule)
    expected = _expected(specification, target, hosts)
    if isinstance(expected, str):
        return expected
    if why := _always_one_pod(expected):
        return why
    seconds = proof_seconds(rule, hosts)
    if seconds > LONGEST_PROOF and not specification.thorough:
        return f"it would take about {seconds:.0f} s, because a host is ejected twice: --thorough waits for it"
    thorough = specification.thorough
    check = OutlierDetection(longest_wait=inf if thorough else LONGEST_PROOF, exactly=thorough)
    return _prepared(specification, target, Load("ejection", expected.request, users=1), check, hosts)


def _failover(specification: Specification, target: Target) -> Prepared | str:
    """The load that shows who takes over for whom, by all the pods that there are; or why there is none."""
    rule, levels = target.policy.ejection or Ejection(), target.localities.levels if target.localities else ()
    whole = replace(target, workloads=frozenset().union(*levels))
    pods = behind(specification.mesh, whole)
    hosts = sum(one.replicas for one in pods)
    expected = _expected(specification, whole, hosts)
    if isinstance(expected, str):
        return expected
    if why := _always_one_pod(expected):
        return why
    last = sum(one.replicas for one in pods if one.key in levels[-1])
    if allowed(rule, hosts) < hosts - last:
        return f"maxEjectionPercent {rule.max_ejection_percent} does not let all pods of a place be ejected at once"
    if hosts > MOST_HOSTS and not specification.thorough:
        return f"{hosts} pods would have to be ejected: --thorough does it"
    if 2 * duration(rule, 1) + rule.interval > LONGEST_PROOF and not specification.thorough:
        return "it takes long, because ejected pods have to come back: --thorough waits for it"
    thorough = specification.thorough
    check = LocalityFailover(longest_wait=inf if thorough else LONGEST_PROOF, exactly=thorough)
    return _prepared(specification, whole, Load("failover", expected.request, users=1), check, hosts)


def _warmup(specification: Specification, target: Target) -> Prepared | str:
    """The load that shows what a new pod gets beside one that is not, or why there is none."""
    rule = target.policy.warmup
    expected = _expected(specification, target, 1)
    if rule is None or isinstance(expected, str):
        return expected if isinstance(expected, str) else "it is out of force"
    if why := law.unproved(rule):
        return why
    if 2 * rule.seconds > LONGEST_PROOF and not specification.thorough:
        return f"it would take about {2.3 * rule.seconds:.0f} s, since pods have to be older: --thorough waits for it"
    check = WarmUp(longest_wait=inf if specification.thorough else LONGEST_PROOF)
    return _prepared(specification, target, Load("warmup", expected.request, users=1), check, 1, joined=True)


def _always_one_pod(expected: Expectation) -> str:
    """Why other pods are never asked: the hash of what all requests of one connection share; empty where they are."""
    hashed = expected.arms[0].hashed_by
    shared = [key for key in hashed.keys if key.kind == "source IP" or key.ttl is not None] if hashed else []
    return f"by the hash of {shared[0]} all requests of one client go to one pod" if shared else ""


def _hosts(specification: Specification, target: Target, rule: Ejection) -> int:
    """As many hosts as there are, or more where so few of them may never be ejected."""
    there = sum(one.replicas for one in behind(specification.mesh, target))
    needed = ceil(100 / rule.max_ejection_percent) if rule.max_ejection_percent else 1
    enough = bool(allowed(rule, there)) or not rule.max_ejection_percent or needed > MOST_HOSTS
    return there if 0 < there <= MOST_HOSTS and enough else min(needed, MOST_HOSTS)


def _expected(specification: Specification, target: Target, hosts: int) -> Expectation | str:
    """What is specified for a request that gets to the target alone; or why there is none."""
    mesh, request = alone(specification.mesh, target, hosts, target.sample.route)
    found = predict(mesh, request, specification.client)
    if len(found.arms) != 1 or found.arms[0].policy != target.policy or not found.arms[0].workloads:
        return "no request is found that leads to this destination alone"
    return found


PROOFS = {
    "connectionPool": _pool,
    "outlierDetection": _ejection,
    "retryBudget": _budget,
    "localityLbSetting": _failover,
    "trafficDistribution": _failover,
    "warmup": _warmup,
}


def _prepared(
    specification: Specification, target: Target, load: Load, check: Check, hosts: int, *, joined: bool = False
) -> Prepared:
    """The load; where the target is `joined` by a pod, in a second stage."""
    # What is applied has rules of its own for the sample.
    theirs = specification.applied_expectation(target.sample.request).route
    own = specification.changed(
        lambda mesh: alone(mesh, target, hosts, target.sample.route if mesh is specification.mesh else theirs)[0]
    )
    stages = [own, own.changed(lambda mesh: joined_by(mesh, target))] if joined else [own]
    scenario = Scenario(
        name=f"{check.name} {target.name.replace('/', ' ')}",
        description=f"The {check.name} of {target.name} is enforced as its DestinationRule says.",
        manifests=specification.files,
        load=load,
        expect=(check,),
        features=FEATURES,
        mostly_waits=True,
    )
    return prepared_load(
        scenario,
        [replace(one.specified, notices=()) for one in stages],
        [replace(one.applied, notices=()) for one in stages],
        specification.precision,
        client=specification.client,
    )
