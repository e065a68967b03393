"""Requests whose time ran out: which may be this machine's doing, and are not judged, and which are the mesh's."""

from __future__ import annotations

import pytest
from meshproof.border.expectation import Expectation
from meshproof.border.observation import UNANSWERED, Observation
from meshproof.border.request import parse
from meshproof.judge.limits import by_machine

LIMITED = Expectation(parse("GET http://a/"), (), timeout=0.5)


def ended(**fields: object) -> Observation:
    told: dict[str, object] = {"started": 0.0, "latency": 0.5, "status": 504, "stalled": 0.3}
    return Observation("id", 0, 0, **(told | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "excused"),
    [
        ({}, True),
        ({"stalled": 0.25}, True),
        ({"stalled": 0.24}, False),
        ({"stalled": 0.0}, False),
        ({"pod": "a-0", "workload": "default/a"}, False),
        ({"status": 503}, False),
        ({"status": 200}, False),
        ({"status": 200, "headers": (("grpc-status", "4"),)}, True),
        ({"status": 200, "headers": (("grpc-status", "14"),)}, True),
        ({"status": 200, "headers": (("grpc-status", "14"),), "latency": 0.4}, False),
        ({"status": 200, "headers": (("grpc-status", "14"),), "stalled": 0.2}, False),
        ({"status": 200, "headers": (("grpc-status", "12"),)}, False),
        ({"status": 0, "error": f"{UNANSWERED} 15 s", "latency": 15.0, "stalled": 8.0}, True),
        ({"status": 0, "error": f"{UNANSWERED} 15 s", "latency": 15.0, "stalled": 7.0}, False),
        ({"status": 0, "error": "connection refused"}, False),
    ],
)
def test_only_time_that_ran_out_while_the_machine_stood_still_is_excused(
    fields: dict[str, object], excused: bool
) -> None:
    assert by_machine(ended(**fields), LIMITED) is excused


def test_a_timeout_that_nobody_specified_is_the_meshs() -> None:
    assert not by_machine(ended(), Expectation(parse("GET http://a/"), ()))
