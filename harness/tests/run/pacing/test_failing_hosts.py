"""What counts as an error of a host that refuses connections."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.steps import REFUSED, Fault
from meshproof.run.pacing.failing_hosts import FailingHosts

CLUSTER = "cluster.outbound|8000||httpbin.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("counters", "errors"),
    [
        ({f"{CLUSTER}.upstream_cx_connect_fail": 2}, 2),
        # A request that was on its way to a connection that the host has just closed.
        ({f"{CLUSTER}.upstream_cx_connect_fail": 1, f"{CLUSTER}.upstream_cx_destroy_remote_with_active_rq": 1}, 2),
        ({f"{CLUSTER}.upstream_cx_destroy_remote": 3, f"{CLUSTER}.upstream_rq_503": 1}, 0),
    ],
)
def test_errors_of_a_host_that_refuses(counters: dict[str, int], errors: int) -> None:
    async def counted() -> dict[str, int]:
        return counters

    traffic: Any = SimpleNamespace(live=SimpleNamespace(counters=counted))
    pod: Any = SimpleNamespace(pod="httpbin-0")
    assert asyncio.run(FailingHosts(traffic, [pod], 0).errors(pod, Fault(REFUSED, 2))) == errors
