"""Simulated loads: what a client saw, and what workloads counted."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Copy, Policy
from meshproof.border.observation import Observation
from meshproof.errors import Location

PLACE = Location("mirror.yaml", 14, 9)


class SimulatedLoad:
    """What the client saw of its requests, and what the workloads received."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.received: dict[str, list[Received]] = defaultdict(list)

    def send(self, build: Any, *to: str, primary: str = "v1", stage: int = 0, request: int = 0, **altered: Any) -> None:
        """One request that `primary` answers (empty: no pod), copied to some subsets; `altered` changes the copies."""
        number = len(self.seen)
        id = f"id-{number}"
        self.seen.append(build.seen(primary, id=id, stage=stage, request=request, started=number / 1000))
        got = Received(id, "", "GET", "/hello", "helloworld:5000", (("host", "helloworld:5000"),), "d1", float(number))
        if primary:
            self.received[primary].append(got)
        for subset in to:
            copied = replace(got, authority="helloworld-shadow:5000", **altered)
            self.received[subset].append(copied)

    def books(self, forgotten: int = 0, counters: Mapping[str, int] | None = None) -> Books:
        pods = tuple(
            PodBook(f"helloworld-{s}-0", f"default/helloworld-{s}", len(rows), 1, tuple(rows), forgotten=forgotten)
            for s, rows in self.received.items()
        )
        return Books(pods, {"sidecar": counters or {}})


class MirrorBench:
    """Copies, plans and loads of mirrors, and the verdicts on them."""

    SimulatedLoad = SimulatedLoad
    place = PLACE

    @staticmethod
    def copy_to(
        subset: str, percent: float | str, *workloads: str, note: str = "", policy: Policy | None = None
    ) -> Copy:
        behind = frozenset(workloads or (f"default/helloworld-{subset}",)) - {"none"}
        return Copy(
            f"helloworld.default/{subset}", Fraction(str(percent)) / 100, behind, PLACE, note, 5000, policy or Policy()
        )

    @staticmethod
    def judged(trial: Any, load: SimulatedLoad, **books: Any) -> Any:
        for observation in load.seen:
            if trial.stage in (None, observation.stage):
                trial.observe(observation)
        return trial.conclude(load.books(**books))

    @staticmethod
    def plan_of(build: Any, *copies: Copy, **fields: Any) -> Any:
        return build.plan(build.expectation(build.arm("v1", 100), copies=copies, authority="helloworld:5000", **fields))

    @staticmethod
    def drawn(
        build: Any, share: float, *, seed: int = 1, n: int = 8000, split: float = 0.0, tied: bool = False
    ) -> SimulatedLoad:
        """A load of independent draws; `split` is the share of v2 among primaries, `tied` copies v1's alone."""
        source, load = random.Random(seed), SimulatedLoad()
        for _ in range(n):
            primary = "v2" if source.random() < split else "v1"
            rate = share / (1 - split) if tied else share
            hit = source.random() < rate and not (tied and primary == "v2")
            load.send(build, *(["v3"] if hit else []), primary=primary)
        return load

    @staticmethod
    def driven(trial: Any, load: SimulatedLoad) -> Any:
        """Observe until decided, then reconcile with the books, and continue while more is needed."""
        for observation in load.seen:
            if trial.decided:
                trial.reconcile(load.books())
                if trial.decided:
                    break
            trial.observe(observation)
        return trial.conclude(load.books())


@pytest.fixture(scope="session")
def bench() -> type[MirrorBench]:
    return MirrorBench
