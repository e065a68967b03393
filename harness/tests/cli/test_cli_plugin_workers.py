"""How `pytest -n` shares out scenarios, each of whose workers starts meshes of its own."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.plugin.scheduling import shares

SCENARIO, OTHER = True, False


def test_three_scenarios_are_worth_one_session() -> None:
    assert shares([SCENARIO] * 3, 4) == [[0, 1, 2], [], [], []]


def test_more_are_shared_out_evenly_and_in_order() -> None:
    assert shares([SCENARIO] * 8, 4) == [[0, 1, 2], [3, 4, 5], [6, 7], []]


def test_other_tests_go_to_the_workers_without_scenarios_first() -> None:
    assert shares([OTHER, SCENARIO, OTHER, SCENARIO, OTHER], 3) == [[1, 3, 4], [2], [0]]


@pytest.mark.parametrize("scenarios", [1, 3, 4, 11])
@pytest.mark.parametrize("others", range(4))
@pytest.mark.parametrize("workers", range(1, 5))
def test_each_test_has_one_worker(scenarios: int, others: int, workers: int) -> None:
    tests = [SCENARIO] * scenarios + [OTHER] * others
    assert sorted(place for share in shares(tests, workers) for place in share) == list(range(len(tests)))


@pytest.mark.long
def test_few_scenarios_run_in_one_worker_and_other_tests_beside_them(place: Any) -> None:
    suite = place.suite("suite", "one", "two", "three")
    (suite / "test_without_mesh.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
    ended = (running := place.pytest(suite, "-v", "-n", "3", *place.pytest_rates)).end()
    assert ended.code == 0, ended.out + ended.err
    ran = {line.split()[-1].rpartition("::")[2]: line.split()[0] for line in ended.out.splitlines() if "PASSED" in line}
    (driving,) = {ran[f"test_{name}"] for name in ("one", "two", "three")}
    assert ran["test_sum"] != driving
    assert [f"[{worker.name}]" for worker in running.output.glob("gw*")] == [driving]
