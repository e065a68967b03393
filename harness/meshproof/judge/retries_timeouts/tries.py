"""The tries of each request that reached a pod, held against those to be expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.border.expectation import Expectation
from meshproof.judge.arrivals import Joined
from meshproof.judge.retries_timeouts.outcome import Ending
from meshproof.judge.retries_timeouts.timeout_headers import wrong_timeout_headers
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True, order=True)
class TryRange:
    """The fewest and the most tries that may reach a pod."""

    least: int
    most: int

    @classmethod
    def of(cls, *endings: Ending) -> TryRange:
        arrivals = [one.arrivals for one in endings]
        return cls(min(arrivals), max(arrivals))

    def __contains__(self, number: int) -> bool:
        return self.least <= number <= self.most

    def __str__(self) -> str:
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


def wrong_tries(
    expectation: Expectation, expected: Mapping[str, TryRange], arrived: Joined, *, proxyless: bool | None
) -> Iterator[tuple[str, str]]:
    """The requests, by id, whose tries are not as expected, each with what is wrong.

    Unless `proxyless` is None, the timeout headers of tries are judged too: see `wrong_timeout_headers`.
    """
    for id, wanted in expected.items():
        tries = arrived.primaries.get(id, ())
        if len(tries) not in wanted:
            yield id, f"received by a pod {times(len(tries))}, {wanted} was to be expected"
        if proxyless is not None and (wrong := wrong_timeout_headers(expectation, tries, proxyless=proxyless)):
            yield id, wrong


def times(number: int) -> str:
    """`never`, `once`, `twice`, `3 times`."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
