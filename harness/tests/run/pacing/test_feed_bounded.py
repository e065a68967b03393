"""Credit: a bounded trial gets as many observations as it wants, beside others that take any number."""

from __future__ import annotations

from meshproof.border.books import Books
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Verdict
from meshproof.run.pacing.feed import Feed


class Simple:
    check, stage, request, limit = "Simple", 0, None, 100

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0

    def observe(self, observation: Observation) -> None:
        self.count += 1

    @property
    def decided(self) -> bool:
        return self.count >= self.most

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        raise NotImplementedError


class OneOfEach(Simple):
    """Wants one observation of each request."""

    def __init__(self, requests: int) -> None:
        super().__init__(requests)
        self.open = set(range(requests))

    def observe(self, observation: Observation) -> None:
        super().observe(observation)
        self.open.discard(observation.request)

    @property
    def decided(self) -> bool:
        return not self.open

    def wants(self, request: int) -> int:
        return int(request in self.open)


def seen(request: int) -> Observation:
    return Observation("x", request, 0, 0.0, 0.0, 200)


def test_no_more_than_it_wants_is_granted() -> None:
    feed = Feed([OneOfEach(3)], 3, window=50)
    assert dict(feed.grants()) == {0: 1, 1: 1, 2: 1}
    feed.take([seen(1), seen(2)])
    assert dict(feed.grants()) == {0: 1}
    feed.take([seen(0)])
    assert feed.settled()


def test_another_trial_still_gets_observations() -> None:
    feed = Feed([OneOfEach(2), Simple(3)], 2, window=50)
    assert dict(feed.grants()) == {0: 50, 1: 50}
    feed.take([seen(0), seen(0), seen(0)])
    assert dict(feed.grants()) == {1: 1}


def test_no_more_than_the_window_and_everything_in_a_transition() -> None:
    feed = Feed([OneOfEach(1)], 2, window=1)
    assert dict(feed.grants()) == {0: 1}
    feed.stage = -1
    assert dict(feed.grants()) == {0: 1, 1: 1}


def test_each_of_many_trials_is_told_less_often_and_still_at_its_end() -> None:
    def told(trials: int) -> list[int]:
        feed, found = Feed([Simple(1000) for _ in range(trials)], 1, window=50), []
        for _ in range(1000):
            feed.take([seen(0)])
            found += [one.count for one in feed.progressed() if one is feed.trials[0]]
        return found

    one, many = told(1), told(100)
    assert len(many) < len(one) / 2
    assert one[-1] == many[-1] == 1000
