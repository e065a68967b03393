"""The simulation that the calibration tests share: seeded answers, judged by the real trials."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision
from meshproof.errors import Location
from meshproof.judge import Split
from meshproof.scenario import Plan

RUNS = int(os.environ.get("MESHPROOF_CALIBRATION_RUNS", "400"))
CHUNK = 128


class Simulation:
    """Runs of a split; `true` and `specified` are shares in percent, the workloads v0, v1, v2 …"""

    runs = RUNS

    @staticmethod
    def answers(true: tuple[float, ...], seed: int) -> Iterator[list[Observation]]:
        """The answers of one run in chunks, always the same for a seed."""
        source = random.Random(seed)
        kinds = [
            Observation("", 0, 0, 0.0, 0.0, 200, f"v{number}-0", f"default/v{number}") for number in range(len(true))
        ]
        while True:
            yield source.choices(kinds, true, k=CHUNK)

    @staticmethod
    def plan(specified: tuple[int, ...], precision: Precision) -> Plan:
        line = Location("canary.yaml", 1, 1)
        arms = tuple(
            Arm(f"app.default/v{number}", Fraction(share, 100), frozenset({f"default/v{number}"}), line)
            for number, share in enumerate(specified)
        )
        return Plan("Calibration", ((Expectation(parse("GET http://app/"), arms, line),),), precision)

    @classmethod
    def judged(cls, plan: Plan, true: tuple[float, ...], seed: int) -> tuple[Outcome, int]:
        """The outcome of one run and the number of requests that it took."""
        (trial,) = Split().begin(plan)
        for chunk in cls.answers(true, seed):
            for observation in chunk:
                trial.observe(observation)
                if trial.decided:
                    return trial.conclude(Books()).outcome, trial.count
        raise AssertionError("the stream never ends")

    @classmethod
    @cache
    def results(
        cls, specified: tuple[int, ...], true: tuple[float, ...], precision: Precision
    ) -> list[tuple[Outcome, int]]:
        """The outcome and the number of requests of every run, seeds 0 to `runs` - 1."""
        plan = cls.plan(specified, precision)
        return [cls.judged(plan, true, seed) for seed in range(cls.runs)]

    @classmethod
    def outcomes(
        cls, specified: tuple[int, ...], true: tuple[float, ...], precision: Precision
    ) -> tuple[Counter[Outcome], float]:
        """How often each outcome came among all runs, and the mean number of requests."""
        results = cls.results(specified, true, precision)
        return Counter(outcome for outcome, _ in results), sum(n for _, n in results) / cls.runs


@pytest.fixture(scope="session")
def simulation() -> type[Simulation]:
    return Simulation


@pytest.fixture(scope="session")
def exact() -> ModuleType:
    """The module oc_table, which lies beside this file."""
    path = Path(__file__).with_name("oc_table.py")
    spec = importlib.util.spec_from_file_location("oc_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["oc_table"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
