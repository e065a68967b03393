"""Circuit breakers of one's own manifests: a verification's load stays below them, and says that it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation, Policy
from meshproof.border.load import Load
from meshproof.manifest import Notice


def below(load: Load, expectations: Iterable[Expectation]) -> Load:
    """The load with no more requests under way than each of the connection pools lets wait.

    A request waits for a connection that is being opened, too, so maxConnections alone makes no room
    (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking).
    """
    limits = [limit for policy in _policies(expectations) for limit in _limits(policy)]
    return replace(load, users=max(1, min(load.users, *limits))) if limits else load


def unverified(expectations: Iterable[Expectation]) -> Iterator[Notice]:
    """What of the policies is not verified by such a load."""
    for policy in _policies(expectations):
        if policy.pool is not None and policy.pool.location is not None:
            text = "connectionPool is not verified: the load stays below its limits"
            yield Notice(policy.pool.location, text)
        if policy.ejection is not None and policy.ejection.location is not None:
            yield Notice(policy.ejection.location, "outlierDetection is not verified: no host is made to fail for it")


def _policies(expectations: Iterable[Expectation]) -> Iterator[Policy]:
    for expectation in expectations:
        yield from (arm.policy for arm in expectation.arms)
        yield from (copy.policy for copy in expectation.copies)


def _limits(policy: Policy) -> Iterator[int]:
    if policy.pool is not None:
        for limit in (policy.pool.http1_max_pending_requests, policy.pool.http2_max_requests):
            if limit is not None:
                yield limit
