"""Which errors a detector counts, how many hosts may be ejected, and which get requests then."""

from __future__ import annotations

import pytest
from meshproof.border.expectation import Ejection
from meshproof.border.steps import REFUSED, RESET
from meshproof.judge import ejections as rules

ONLY_5XX = Ejection(4)
GATEWAY = Ejection(None, 3)
BOTH = Ejection(4, 2)
SPLIT = Ejection(3, None, 2, True)
SPLIT_ONE = Ejection(3, None, 1, True)
SPLIT_SILENT = Ejection(3, None, None, True)
OFF = Ejection(None)


@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        (ONLY_5XX, (4, 4, 4, 4, 4, 4)),
        (GATEWAY, (0, 3, 3, 3, 3, 3)),
        (BOTH, (4, 2, 2, 2, 2, 2)),
        (SPLIT, (3, 3, 3, 3, 0, 2)),
        (SPLIT_ONE, (3, 3, 3, 3, 1, 1)),
        (SPLIT_SILENT, (3, 3, 3, 3, 0, 5)),
        (OFF, (0, 0, 0, 0, 0, 0)),
    ],
)
def test_which_errors_count_and_how_many_it_takes(rule: Ejection, counts: tuple[int, ...]) -> None:
    assert tuple(rules.errors(rule, status) for status in (500, 502, 503, 504, RESET, REFUSED)) == counts


@pytest.mark.parametrize(
    ("percent", "hosts", "most"),
    [(100, 1, 1), (100, 4, 4), (50, 4, 2), (50, 3, 1), (67, 3, 2), (66, 3, 1), (10, 4, 0), (10, 10, 1), (99, 1, 0)],
)
def test_how_many_may_be_ejected_at_once(percent: int, hosts: int, most: int) -> None:
    assert rules.allowed(Ejection(max_ejection_percent=percent), hosts) == most


def test_there_is_a_fault_for_every_detector_and_those_that_none_counts_are_harmless() -> None:
    harmless, fatal = rules.faults(Ejection(None, 3, max_ejection_percent=100), 3)
    assert [str(fault) for fault in harmless] == ["500"]
    assert [(str(fault), fault.errors) for fault in fatal] == [("refused", 3), ("503", 3)]
    harmless, fatal = rules.faults(Ejection(4, None, 2, True, max_ejection_percent=100), 3)
    assert [str(fault) for fault in harmless] == ["reset"]
    assert [(str(fault), fault.errors) for fault in fatal] == [("500", 4), ("refused", 2)]
    harmless, fatal = rules.faults(Ejection(4, 2, 1, True, max_ejection_percent=100), 3)
    assert [(str(fault), fault.errors) for fault in fatal] == [("500", 4), ("refused", 1), ("503", 2)]


def test_under_a_rule_that_allows_no_ejection_every_fault_is_harmless() -> None:
    harmless, fatal = rules.faults(Ejection(1, max_ejection_percent=10), 4)
    assert (len(harmless), fatal) == (6, ())


def test_enough_errors_are_more_than_any_detector_needs() -> None:
    assert rules.enough(OFF) == rules.enough(ONLY_5XX) == 12
    assert rules.enough(Ejection(20)) == 42


def test_with_too_few_hosts_left_all_are_used() -> None:
    rule = Ejection(min_health_percent=50)
    everyone = frozenset(range(4))
    assert rules.reachable(rule, frozenset({0}), 4) == {1, 2, 3}
    assert rules.reachable(rule, frozenset({0, 1}), 4) == {2, 3}
    assert rules.reachable(rule, frozenset({0, 1, 2}), 4) == everyone
    assert rules.reachable(rule, everyone, 4) == everyone
    assert rules.reachable(Ejection(), everyone, 4) == frozenset()


def test_an_ejection_lasts_longer_each_time_up_to_five_minutes() -> None:
    assert [rules.duration(Ejection(base_ejection_time=2.0), times) for times in (1, 2, 3, 1000)] == [2, 4, 6, 300]
    assert rules.duration(Ejection(base_ejection_time=400.0), 2) == 400


def test_a_stretch_is_long_enough_to_miss_no_host() -> None:
    assert rules.stretch(1, 0.001) == 1
    for hosts in (2, 3, 4, 10):
        count = rules.stretch(hosts, 0.0002)
        missed = hosts * (1 - 1 / hosts) ** count
        assert missed <= 0.0002 < hosts * (1 - 1 / hosts) ** (count - 1)


@pytest.mark.parametrize(
    ("rule", "hosts", "least", "most"),
    [
        (Ejection(consecutive_5xx_errors=2, interval=1.0, base_ejection_time=2.0, max_ejection_percent=100), 1, 8, 20),
        (Ejection(), 10, 115, 140),
        (Ejection(base_ejection_time=180.0), 10, 500, 540),
        (Ejection(max_ejection_percent=10), 3, 5, 20),
    ],
)
def test_how_long_a_proof_takes_is_known_beforehand(rule: Ejection, hosts: int, least: float, most: float) -> None:
    assert least <= rules.proof_seconds(rule, hosts) <= most
