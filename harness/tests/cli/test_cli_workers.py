"""A run whose loads are spread over Locust workers gives the verdicts of a run without them."""

from __future__ import annotations

import signal
from typing import Any

import pytest


@pytest.mark.long
def test_workers_prove_a_split_and_find_a_wrong_one(place: Any) -> None:
    place.mesh("wrong", 70, 30)
    place.mesh("spec")
    words = ("--workers", "2", "-o", "json", "--output")
    ended = place.run("run", "CanarySplit", *place.rates, *words, "right")
    assert (ended.code, ended.report["outcome"]) == (0, "passed"), ended.err
    ended = place.run(*place.verify, "--applied", "wrong", *words, "wrong.out")
    assert ended.code == 1, ended.err
    assert next(one["outcome"] for one in ended.report["checks"] if one["check"] == "Split") == "failed"


@pytest.mark.long
def test_killed_it_leaves_no_worker(place: Any) -> None:
    running = place.start("run", "CanarySplit", *place.endless, "--workers", "2")
    running.saw("Progress")
    running.signal(signal.SIGKILL)
    # What forks them, their master, and two of them.
    assert sum("meshproof.traffic" in one.cmdline() for one in running.family) >= 4
    assert running.orphans() == []


def test_more_workers_than_any_machine_needs_are_refused(place: Any) -> None:
    for words in (("run", "CanarySplit", "--workers", "-1"), ("run", "CanarySplit", "--workers", "1000")):
        ended = place.run(*words)
        assert ended.code == 4
        assert "--workers" in ended.err
