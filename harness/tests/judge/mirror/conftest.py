"""Fabricated meshes: what a client saw, and what workloads entered in their books."""

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


class World:
    """What the client saw of its requests, and what the workloads entered in their books."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.entries: dict[str, list[Received]] = defaultdict(list)

    def send(self, build: Any, *to: str, primary: str = "v1", stage: int = 0, request: int = 0, **altered: Any) -> None:
        """One request that `primary` answers (empty: nobody), copied to some subsets; `altered` changes the copies."""
        number = len(self.seen)
        id = f"id-{number}"
        self.seen.append(build.seen(primary, id=id, stage=stage, request=request, started=number / 1000))
        got = Received(id, "", "GET", "/hello", "helloworld:5000", (("host", "helloworld:5000"),), "d1", float(number))
        if primary:
            self.entries[primary].append(got)
        for subset in to:
            copied = replace(got, authority="helloworld-shadow:5000", **altered)
            self.entries[subset].append(copied)

    def books(self, forgotten: int = 0, counters: Mapping[str, int] | None = None) -> Books:
        pods = tuple(
            PodBook(f"helloworld-{s}-0", f"default/helloworld-{s}", len(rows), 1, tuple(rows), forgotten=forgotten)
            for s, rows in self.entries.items()
        )
        return Books(pods, {"sidecar": counters or {}})


class Lab:
    """What the tests of mirrors are written with."""

    World = World
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
    def judged(trial: Any, world: World, **books: Any) -> Any:
        for observation in world.seen:
            if trial.stage in (None, observation.stage):
                trial.observe(observation)
        return trial.conclude(world.books(**books))

    @staticmethod
    def plan_of(build: Any, *copies: Copy, **fields: Any) -> Any:
        return build.plan(build.expectation(build.arm("v1", 100), copies=copies, authority="helloworld:5000", **fields))

    @staticmethod
    def drawn(
        build: Any, share: float, *, seed: int = 1, n: int = 8000, split: float = 0.0, tied: bool = False
    ) -> World:
        """A world of independent draws; `split` is the share of v2 among primaries, `tied` copies v1's alone."""
        source, world = random.Random(seed), World()
        for _ in range(n):
            primary = "v2" if source.random() < split else "v1"
            rate = share / (1 - split) if tied else share
            hit = source.random() < rate and not (tied and primary == "v2")
            world.send(build, *(["v3"] if hit else []), primary=primary)
        return world

    @staticmethod
    def driven(trial: Any, world: World) -> Any:
        """As the engine drives it: until it is decided, then the books, and on when it asks for more."""
        for observation in world.seen:
            if trial.decided:
                trial.reconcile(world.books())
                if trial.decided:
                    break
            trial.observe(observation)
        return trial.conclude(world.books())


@pytest.fixture(scope="session")
def lab() -> type[Lab]:
    return Lab
