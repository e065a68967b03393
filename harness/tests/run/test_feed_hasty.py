"""A load that is only to show that its checks can fail sends no more than that takes."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.border.observation import Observation
from meshproof.run.feed import Feed


@dataclass(eq=False)
class Wanting:
    """A trial that never has enough, and is refuted by the first status 500."""

    stage: int | None = 0
    request: int | None = 0
    check: str = "Wanting"
    limit: int = 1000
    decided: bool = False
    count: int = 0
    refuted: bool = False

    def observe(self, observation):
        self.count += 1
        self.refuted = self.refuted or observation.status == 500


def seen(number, *, stage=0, request=0, status=200):
    return [Observation("id", request, stage, 0.0, 0.0, status)] * number


def test_a_refuted_trial_ends_the_load():
    feed = Feed([Wanting(), Wanting(stage=1)], 1, 10, hasty=True)
    feed.take(seen(3))
    assert list(feed.grants()) == [(0, 13)]
    assert not feed.over
    feed.take(seen(1, status=500))
    assert feed.over
    assert list(feed.grants()) == []


def test_a_refuted_trial_ends_nothing_in_a_run():
    feed = Feed([Wanting()], 1, 10)
    feed.take(seen(1, status=500))
    assert not feed.over
    assert list(feed.grants()) == [(0, 11)]


def test_stages_before_the_first_that_matters_get_one_window_of_each_request():
    feed = Feed([Wanting(stage=stage, request=request) for stage in (0, 1) for request in (0, 1)], 2, 10, first=1)
    feed.take(seen(9))
    assert dict(feed.grants()) == {0: 19, 1: 10}
    feed.take(seen(1))
    assert dict(feed.grants()) == {1: 10}
    feed.take(seen(10, request=1))
    assert feed.settled()
    feed.stage = 1
    feed.take(seen(50, stage=1))
    assert dict(feed.grants()) == {0: 70, 1: 20}
