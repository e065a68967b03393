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
    limits = [limit for policy in _policies(expectations) for limit in _limits(policy)]
    return replace(load, users=max(1, min(load.users, *limits))) if limits else load


def _policies(expectations: Iterable[Expectation]) -> Iterator[Policy]:
    for expectation in expectations:
        yield from (arm.policy for arm in expectation.arms)
        yield from (copy.policy for copy in expectation.copies)


def _limits(policy: Policy) -> Iterator[int]:
    if policy.pool is not None:
        for limit in (policy.pool.http1_max_pending_requests, policy.pool.http2_max_requests):
            if limit is not None:
                yield limit
