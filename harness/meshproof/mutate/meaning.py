"""What an expectation means for traffic, whatever manifest it comes from and however that is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from meshproof.border.expectation import Arm, Copy, Ejection, Expectation, Policy, Pool, Retries, Upstream
from meshproof.errors import Location

BROKEN = frozenset({"reset-before-request", "connect-failure", "refused-stream"})
# What each condition of retryOn includes: Envoy counts a broken connection as a 5xx (RetryStateImpl).
INCLUDED = {"5xx": BROKEN | {"gateway-error", "reset"}, "gateway-error": BROKEN | {"reset"}, "reset": BROKEN}

UNSPECIFIED, LEAST_REQUEST, WHOLE = "UNSPECIFIED", "LEAST_REQUEST", 100.0


def meaning(expectation: Expectation) -> object:
    """Equal for two expectations that no traffic could distinguish.

    Left out: locations and notes; conditions of retryOn that another one includes; destinations, mirrors and
    faults that get no request; limits that limit nothing; by which protocol pods are called, unless that is by a call
    of gRPC, which pods understand over HTTP/2 alone; the name of a destination with pods (which pods, on
    which port and by which policy, stays).
    """
    if expectation.abort and expectation.abort.share == 1:
        # The fault filter comes before the router: what is aborted is not routed.
        expectation = Expectation(
            expectation.request, (), abort=expectation.abort, delay=expectation.delay, note=expectation.note
        )
    arms = tuple(_arm(arm, call=expectation.request.is_call) for arm in expectation.arms if arm.share)
    copies = tuple(_copy(copy) for copy in expectation.copies if copy.share)
    plain = replace(
        expectation,
        arms=tuple(sorted(arms, key=repr)),
        copies=tuple(sorted(copies, key=repr)),
        abort=expectation.abort if expectation.abort and expectation.abort.share else None,
        delay=expectation.delay if expectation.delay and expectation.delay.share else None,
        retries=_retries(expectation.retries) if expectation.retries else None,
        route=None,
        note="",
        looked_at=(),
        allowed_by=(),
    )
    return _without_locations(plain)


def differences(one: Expectation, other: Expectation) -> frozenset[str]:
    """The fields in which what two expectations mean differs; `policy` where of their arms nothing else does."""
    ours, theirs = (dict(_named(expectation)) for expectation in (one, other))
    found = {name for name in ours if ours[name] != theirs[name]}
    if "arms" in found and _without_policies(one) == _without_policies(other):
        found = found - {"arms"} | {"policy"}
    return frozenset(found)


def _named(expectation: Expectation) -> Iterator[tuple[str, object]]:
    meant = meaning(expectation)
    assert isinstance(meant, tuple)
    yield from meant[1:]


def _without_policies(expectation: Expectation) -> object:
    arms = tuple(replace(arm, policy=Policy(upstream=arm.policy.upstream)) for arm in expectation.arms)
    return dict(_named(replace(expectation, arms=arms)))["arms"]


def _retries(retries: Retries) -> Retries:
    """The conditions of retryOn in order, each once, without those that others include.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter (x-envoy-retry-on)
    """
    conditions = {one.strip() for one in retries.retry_on.split(",")}
    conditions -= {included for one in conditions for included in INCLUDED.get(one, ())}
    return replace(retries, retry_on=",".join(sorted(conditions)))


def _arm(arm: Arm, *, call: bool) -> Arm:
    name = "" if arm.workloads else arm.destination
    spoken = Upstream.HTTP2 if arm.policy.upstream.is_http2(call=call) else Upstream.HTTP1
    policy = replace(_policy(arm.policy), upstream=spoken)
    return replace(arm, destination=name, host="", note="", policy=policy)


def _copy(copy: Copy) -> Copy:
    policy = replace(copy.policy, upstream=Upstream.HTTP1)
    return replace(copy, destination="" if copy.workloads else copy.destination, host="", note="", policy=policy)


def _policy(policy: Policy) -> Policy:
    pool, ejection = policy.pool, policy.ejection
    if pool and pool.multiplexed:
        pool = replace(pool, max_connections=None, http1_max_pending_requests=None, multiplexed=False)
    if pool and replace(pool, location=None) == Pool():
        pool = None
    if ejection and not _detects(ejection):
        ejection = None
    # Istio's default balances by least requests, and all of what is under way is no limit.
    balancer = LEAST_REQUEST if policy.load_balancer == UNSPECIFIED else policy.load_balancer
    budget = policy.retry_budget if policy.retry_budget and policy.retry_budget.percent < WHOLE else None
    return replace(policy, pool=pool, ejection=ejection, load_balancer=balancer, retry_budget=budget)


def _detects(ejection: Ejection) -> bool:
    return any(
        (
            ejection.consecutive_5xx_errors,
            ejection.consecutive_gateway_errors,
            ejection.consecutive_local_origin_failures,
        )
    )


def _without_locations(value: Any) -> object:
    if isinstance(value, Location):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return (
            type(value).__name__,
            *((one.name, _without_locations(getattr(value, one.name))) for one in fields(value)),
        )
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), _without_locations(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_without_locations(item) for item in value)
    return frozenset(value) if isinstance(value, set | frozenset) else value
