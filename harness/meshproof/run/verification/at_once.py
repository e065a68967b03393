"""How many requests of a verification are under way at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from meshproof.border.expectation import Expectation, Policy
from meshproof.border.prescription import stream
from meshproof.judge.limits import first_limit
from meshproof.run.prepare import Prepared

# Proxies, workloads and the generator wake up for several at a time then, which takes a tenth less of the processor.
USERS = 24
# A load of few requests is short anyway.
LARGE = 32


def at_once(prepared: Prepared) -> Prepared:
    """The same with more requests under way, where there are many and none of them can run out of time or of room.

    Of what is applied, too, where that is another thing.
    """
    load, plan = prepared.load, prepared.plan
    several = [*chain.from_iterable((*plan.stages, *plan.applied))]
    if len(load.requests) < LARGE or not all(map(_unlimited, several)):
        return prepared
    return replace(prepared, load=replace(load, users=max(load.users, USERS)))


def _unlimited(one: Expectation) -> bool:
    request = one.request
    slow = one.delay is not None or stream(request) is not None or request.is_tcp
    return not slow and first_limit(one) is None and all(map(_roomy, _policies(one)))


def _policies(one: Expectation) -> Iterable[Policy]:
    return [*(arm.policy for arm in one.arms), *(copy.policy for copy in one.copies)]


def _roomy(policy: Policy) -> bool:
    return policy.pool is None and policy.retry_budget is None and policy.ejection is None and policy.warmup is None
