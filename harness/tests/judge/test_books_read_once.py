"""A load of many requests has many trials: what the mesh counted is gone through once for all of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from meshproof import Mirror, Split
from meshproof.border.books import Books, PodBook
from meshproof.border.expectation import Copy
from meshproof.errors import Location

MANY = 40
PLACE = Location("mirror.yaml", 14, 9)
COUNTER = "cluster.outbound|80|v1|helloworld.default.svc.cluster.local.upstream_rq_total"


class Counters(dict[str, int]):
    """Counters of a proxy that know how often they were gone through."""

    read = 0

    def items(self) -> Any:
        self.read += 1
        return super().items()


class Rows(tuple[Any, ...]):
    """A pod's requests that know how often they were gone through."""

    read = 0

    def __iter__(self) -> Any:
        type(self).read += 1
        return super().__iter__()


@pytest.fixture
def books() -> Books:
    Rows.read = 0
    return Books((PodBook("v1-0", "default/v1", 0, 0, Rows()),), proxies={"sidecar": Counters({COUNTER: 1})})


def test_each_split_of_many_is_held_against_counters_that_are_read_once(build: Any, books: Books) -> None:
    plan = build.plan(build.expectation(build.arm("v1", 90), build.arm("v2", 10)))
    plan = replace(plan, stages=(plan.stages[0] * MANY,))
    trials = Split().begin(plan)
    assert len(trials) == MANY
    for trial in trials:
        trial.conclude(books)
    assert books.proxies["sidecar"].read == 1  # type: ignore[attr-defined]


def test_each_mirror_of_many_is_held_against_rows_that_are_read_once(build: Any, books: Books) -> None:
    copies = [
        Copy("helloworld.default/v2", Fraction(percent, 100), frozenset({"default/helloworld-v2"}), PLACE)
        for percent in range(1, MANY)
    ]
    rows = [build.expectation(build.arm("v1", 100), copies=(copy,)) for copy in copies]
    trials = Mirror().begin(replace(build.plan(rows[0]), stages=(tuple(rows),)))
    assert len(trials) == MANY
    for trial in trials:
        trial.conclude(books)
    assert Rows.read == 1
