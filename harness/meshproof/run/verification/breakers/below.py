"""A load of a verification stays below the connection pools that it meets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation, Policy
from meshproof.border.load import Load


def below(load: Load, expectations: Iterable[Expectation]) -> Load:
    """The load with no more requests under way than each of the connection pools lets wait.

    A request waits for a connection that is being opened, too, so maxConnections alone makes no room
    (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking).
    """
    several = list(expectations)
    limits = [limit for policy in _policies(several) for limit in _limits(policy)]
    limits += [limit for one in several if one.request.is_tcp for limit in _connections(one)]
    return replace(load, users=max(1, min(load.users, *limits))) if limits else load


def _connections(expectation: Expectation) -> Iterator[int]:
    """Half as many connections as a pool has: the end of one is seen later than the beginning of the next."""
    for arm in expectation.arms:
        if arm.policy.pool is not None and arm.policy.pool.max_connections is not None:
            yield arm.policy.pool.max_connections // 2


def _policies(expectations: Iterable[Expectation]) -> Iterator[Policy]:
    for expectation in expectations:
        yield from (arm.policy for arm in expectation.arms)
        yield from (copy.policy for copy in expectation.copies)


def _limits(policy: Policy) -> Iterator[int]:
    if policy.pool is not None:
        for limit in (policy.pool.http1_max_pending_requests, policy.pool.http2_max_requests):
            if limit is not None:
                yield limit
