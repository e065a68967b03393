"""A call whose time is over: the client's proxy says so, or the one before the pod, which counts the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.judge.retries_timeouts.outcome import Ending
from meshproof.judge.retries_timeouts.trial import ended_so
from meshproof.judge.retries_timeouts.workload import NO_ANSWER, inferred_tries

CALL = Request("POST", "greeter", 9000, "/helloworld.Greeter/SayHello", (("content-type", "application/grpc"),))
OVER = Ending(200, False, 1, 0.4, 14, timed_out=True)


@pytest.mark.parametrize(("said", "over"), [(14, True), (4, True), (13, False)])
def test_either_proxy_may_be_the_first_to_end_it(build: Any, said: int, over: bool) -> None:
    seen = Observation("id", 0, 0, 0.0, 0.4, 200, headers=(("grpc-status", str(said)),))
    assert ended_so(seen, OVER) is over
    assert (inferred_tries(build.expectation(build.arm("v1", 100), request=CALL), None, seen)(1) == NO_ANSWER) is over


def test_where_nothing_takes_too_long_no_deadline_was_exceeded() -> None:
    seen = Observation("id", 0, 0, 0.0, 0.4, 200, headers=(("grpc-status", "4"),))
    assert not ended_so(seen, replace(OVER, timed_out=False))
