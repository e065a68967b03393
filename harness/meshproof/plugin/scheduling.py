"""How `pytest -n` shares out a run of few scenarios: to as many workers as are worth a session of meshes each.

A session (Locust, target, Envoys) takes about as long to start as three scenarios take to run, and xdist by itself
starts one in each worker as soon as there are as many scenarios. Loaded by the controller of xdist alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScheduling

SCENARIOS_A_WORKER = 3


class ScenarioScheduling(LoadScheduling):  # type: ignore[misc]
    """xdist's `--dist load`, but for a run that has less than three tests for each worker, scenarios among them.

    Only workers collect: each writes the names of the tests that run scenarios to the file `told`, if there are any.
    """

    def __init__(self, config: Any, log: Any, told: Path) -> None:
        super().__init__(config, log)
        self._told = told
        self._begun = False

    def schedule(self) -> None:
        tests = next(iter(self.node2collection.values()))
        few = len(tests) < SCENARIOS_A_WORKER * len(self.nodes)
        if self._begun or not few or not self._told.is_file():
            super().schedule()
        elif self._check_nodes_have_same_collection():
            self.collection = tests
            scenarios = frozenset(json.loads(self._told.read_text()))
            shared = shares([test in scenarios for test in tests], len(self.nodes))
            for node, share in zip(self.nodes, shared, strict=True):
                self.node2pending[node].extend(share)
                if share:
                    node.send_runtest_some(share)
                node.shutdown()
        self._begun = True


def shares(runs_scenario: Sequence[bool], workers: int) -> list[list[int]]:
    """For each worker the places of its tests, in order; those without scenarios first get what else there is."""
    scenarios = [place for place, runs in enumerate(runs_scenario) if runs]
    others = [place for place, runs in enumerate(runs_scenario) if not runs]
    driving = min(workers, -(-len(scenarios) // SCENARIOS_A_WORKER))
    shared: list[list[int]] = [[] for _ in range(workers)]
    for turn, place in enumerate(scenarios):
        shared[turn * driving // len(scenarios)].append(place)
    for worker, place in zip(cycle(reversed(range(workers))), others, strict=False):
        shared[worker].append(place)
    return [sorted(share) for share in shared]
