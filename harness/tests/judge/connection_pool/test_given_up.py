"""Requests that a client gave up while they were held on purpose show nothing, and are held again."""

from __future__ import annotations

from typing import Any

from meshproof.border.expectation import Pool
from meshproof.border.verdict import Outcome

BOTH = Pool(max_connections=2, http1_max_pending_requests=3)


def test_a_request_that_is_given_up_while_it_is_held_shows_nothing(build: Any, bench: Any) -> None:
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, held=(31.0,)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "it held requests for 31 s, and clients wait for 20 s" in verdict.reason
    assert verdict.reason.startswith("the machine is too slow for ")


def test_held_again_in_time_they_show_the_limits(build: Any, bench: Any) -> None:
    assert bench.judged(build, BOTH, bench.Proxy(n=2, m=3, held=(31.0, 1.0))).outcome is Outcome.PASSED
    wrong = bench.judged(build, BOTH, bench.Proxy(n=2, m=2, held=(31.0, 1.0)))
    assert wrong.outcome is Outcome.FAILED
    assert "of 5 requests at once 2 reached the pod, 2 waited and 1 were refused; 2, 3 and 0" in wrong.reason


def test_a_request_that_is_never_answered_is_not_excused(build: Any, bench: Any) -> None:
    """It was released after a second, and nobody answered it."""

    def spoil(proxy: Any) -> None:
        last = proxy.marks[-1]
        proxy.marks[-1] = type(last)(last.name, last.at, {**last.values, "held_for": 1.0})

    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, held=(31.0,)), spoil=spoil)
    assert verdict.outcome is Outcome.FAILED
    assert "not answered (no answer within 20 s), neither served nor refused" in verdict.reason
