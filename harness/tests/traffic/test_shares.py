"""How credit is dealt to workers: never more in all than was granted, none of it to a worker without users."""

from __future__ import annotations

import random

import pytest
from meshproof.traffic.distributed.credit import AHEAD, Shares
from meshproof.traffic.generator.assignment import Assignment
from meshproof.traffic.generator.prepared import plain


def shares(*users: int, requests: int = 1) -> Shares:
    made = Shares(requests, len(users))
    made.users = list(users)
    return made


def test_idle_users_get_credit_before_any_worker_gets_more() -> None:
    dealt = shares(3, 2, 0)
    dealt.grant(0, 4)
    assert dealt.deal() == {0: {0: 3}, 1: {0: 1}}
    dealt.grant(0, 5)
    dealt.deal()
    assert [sum(one) for one in dealt._dealt] == [3, 2, 0]
    dealt.grant(0, 3 * AHEAD)
    totals_by_worker = dealt.deal()
    assert totals_by_worker == {0: {0: 3 + AHEAD}, 1: {0: 2 + AHEAD}}
    assert dealt.deal() == {}
    dealt.observed(1, 2)
    assert dealt.deal() == {1: {0: 4 + AHEAD}}


def test_requests_are_dealt_round_robin() -> None:
    dealt = shares(1, requests=3)
    dealt.grant(0, 3)
    dealt.grant(2, 2)
    assert dealt.deal() == {0: {0: 3, 2: 2}}


def test_a_limit_of_users_is_exact_and_takes_back_what_was_dealt_before() -> None:
    dealt = shares(4, 4)
    dealt.grant(0, 100)
    dealt.deal()
    dealt.limit_users = 3
    assert dealt.recall() == [0, 1]
    assert dealt.recall() == []
    assert dealt.deal() == {}
    dealt.returned(0, [2])
    assert dealt.deal() == {}
    dealt.returned(1, [0])
    # Two are under way at the first worker: the third goes where more users are idle.
    assert dealt.deal() == {1: {0: 1}}
    dealt.observed(0, 2)
    assert sum(totals[0] for totals in dealt.deal().values()) >= 2
    assert sum(dealt._owed) == 3


def test_one_worker_alone_gets_what_others_had_not_used() -> None:
    dealt = shares(2, 2)
    dealt.grant(0, 3)
    assert dealt.deal() == {0: {0: 2}, 1: {0: 1}}
    dealt.only = 1
    dealt.recall()
    dealt.returned(0, [1])
    # As long as one has not given back what it has, nobody gets more than its share of the rest.
    assert dealt.deal() == {}
    dealt.returned(1, [0])
    assert dealt.deal() == {1: {0: 2}}
    dealt.only = None
    dealt.grant(0, 5)
    assert dealt.deal() == {0: {0: 3}}


def test_more_reported_than_allowed_is_refused() -> None:
    dealt = shares(1)
    dealt.grant(0, 1)
    dealt.deal()
    with pytest.raises(ValueError, match="more than it was allowed"):
        dealt.observed(0, 2)


@pytest.mark.parametrize("seed", range(50))
def test_credit_in_one_go_is_dealt_as_it_would_be_one_after_another(seed: int) -> None:
    draw = random.Random(seed)
    users, requests = [draw.randint(0, 5) for _ in range(draw.randint(1, 5))], draw.randint(1, 4)
    at_once, singly = shares(*users, requests=requests), shares(*users, requests=requests)
    granted = [0] * requests
    for _ in range(30):
        index = draw.randrange(requests)
        granted[index] += draw.choice((1, 2, 7, 300, 2000))
        at_once.grant(index, granted[index])
        at_once.deal()
        while sum(singly.granted) < sum(granted):
            singly.grant(index, singly.granted[index] + 1)
            singly.deal()
        assert at_once._owed == singly._owed
        assert sum(at_once._unspent) == sum(singly._unspent)
        for worker, owed in enumerate(at_once._owed):
            seen = draw.randint(0, owed)
            at_once.observed(worker, seen)
            singly.observed(worker, seen)
        at_once.deal()
        singly.deal()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_all_that_is_granted_is_sent_once_and_no_more(seed: int) -> None:
    draw = random.Random(seed)
    requests, workers = draw.randint(1, 4), draw.randint(1, 5)
    dealt = shares(*(draw.randint(0, 4) for _ in range(workers - 1)), 2, requests=requests)
    sides = [Assignment([plain("http://a/")] * requests) for _ in range(workers)]
    waiting: list[list[object]] = [[] for _ in sides]

    def pass_on() -> None:
        for worker, totals in dealt.deal().items():
            assert dealt.users[worker]
            for index, total in totals.items():
                sides[worker].grant(index, total)
        for index, granted in enumerate(dealt.granted):
            assert sum(side.granted[index] for side in sides) <= granted

    def work(worker: int) -> None:
        side = sides[worker]
        while side.left and len(waiting[worker]) < dealt.users[worker]:
            waiting[worker].append(side.take())
        if waiting[worker]:
            side.answered(waiting[worker].pop())
            dealt.observed(worker, 1)

    for _ in range(300):
        dealt.grant(draw.randrange(requests), draw.randint(0, 200))
        if draw.random() < 0.05:
            dealt.limit_users = draw.randint(1, 6)
            for worker in dealt.recall():
                dealt.returned(worker, sides[worker].recall())
            assert sum(dealt._owed) == sum(map(len, waiting))
        pass_on()
        work(draw.randrange(workers))
    while any(side.left for side in sides) or any(waiting) or dealt._left:
        for worker in range(workers):
            work(worker)
        pass_on()
    for index, granted in enumerate(dealt.granted):
        assert sum(side.sent[index] for side in sides) == granted
