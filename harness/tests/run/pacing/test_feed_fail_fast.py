"""A fail-fast load, which only shows that its checks can fail, sends no more than that takes."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.border.books import Books, PodBook
from meshproof.border.observation import Observation
from meshproof.run.pacing.feed import Feed

LOST = PodBook("pod", "default/httpbin", 1, 1, forgotten=1)


@dataclass(eq=False)
class Wanting:
    """A trial that is never decided, and is refuted by the first status 500."""

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
    feed = Feed([Wanting(), Wanting(stage=1)], 1, 10, fail_fast=True)
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


@dataclass(eq=False)
class Reading(Wanting):
    """A trial that is refuted by books that have lost a request."""

    def examine(self, books):
        self.refuted = any(pod.forgotten for pod in books.pods)


def test_the_books_are_examined_early_and_once_in_each_stage():
    feed = Feed([Reading(), Reading(stage=1)], 2, 100, fail_fast=True)
    assert dict(feed.grants()) == {0: 32}
    feed.take(seen(32))
    assert feed.examining
    assert feed.settled()
    feed.examine(Books((), {}))
    assert not feed.examining
    assert dict(feed.grants()) == {0: 132}
    feed.stage = 1
    assert feed.examining
    assert dict(feed.grants()) == {0: 64}
    feed.take(seen(32, stage=1))
    feed.examine(Books((LOST,), {}))
    assert feed.over


def test_a_load_of_many_requests_sends_some_of_each_before_the_books_are_examined():
    feed = Feed([Reading(request=request) for request in range(40)], 40, 100, fail_fast=True)
    assert dict(feed.grants()) == dict.fromkeys(range(40), 8)


def test_the_books_of_a_run_and_of_the_stages_before_the_first_are_not_examined_early():
    assert dict(Feed([Reading()], 1, 100).grants()) == {0: 100}
    assert dict(Feed([Reading(), Reading(stage=1)], 1, 100, fail_fast=True, first=1).grants()) == {0: 100}
