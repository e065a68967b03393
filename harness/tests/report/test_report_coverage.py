"""What share of a folder was proved, in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.coverage import Coverage, Dependence, Unproved
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.report.coverage import acceptable, sentence
from meshproof.report.record import Record, ScenarioRecord

RULE = Location("routes.yaml", 7, 5)
FILTER = Dependence("EnvoyFilter", "EnvoyFilter x/y", Location("f.yaml", 1, 1), "not modelled")


def said(coverage: Coverage, *passed: str) -> str:
    record = Record(coverage=coverage)
    scenario = ScenarioRecord("verify")
    scenario.verdicts += [Verdict("verify", "Split", Outcome.PASSED, "", request=one) for one in passed]
    record.scenarios["verify"] = scenario
    return sentence(record)


@pytest.mark.parametrize(
    ("coverage", "passed", "words"),
    [
        (
            Coverage(((RULE, ("a", "b")),), 2, 3),
            ("a", "b"),
            "proved 1 of 1 rule, 2 of 2 requests; 3 of 3 objects understood",
        ),
        (
            Coverage(((RULE, ("a", "b")),), 2, 3),
            ("a",),
            "proved 0 of 1 rule, 1 of 2 requests; 3 of 3 objects understood",
        ),
        (
            Coverage(((RULE, ("a",)),), 2, 3, (FILTER,)),
            ("a",),
            "proved 1 of 1 rule, 1 of 2 requests; 2 of 3 objects understood; "
            "the rest depends on EnvoyFilter x/y (f.yaml:1:1)",
        ),
        # Two reasons at one place are one object.
        (
            Coverage(((RULE, ("a",)),), 2, 3, (FILTER, replace(FILTER, why="not read"))),
            ("a",),
            "proved 1 of 1 rule, 1 of 2 requests; 2 of 3 objects understood; "
            "the rest depends on EnvoyFilter x/y (f.yaml:1:1)",
        ),
        (
            Coverage(((RULE, ("a",)),), 2, 3, (FILTER, replace(FILTER, location=Location("f.yaml", 9, 1)))),
            ("a",),
            "proved 1 of 1 rule, 1 of 2 requests; 2 of 3 objects understood; "
            "the rest depends on EnvoyFilter x/y (f.yaml:1:1 and 1 more)",
        ),
        # A named request that nothing can answer was asked for all the same.
        (Coverage((), 0, 4, unanswered=(("a", "no port"),), named=True), (), "proved 0 of 1 request"),
        # Nor is anything told of the objects that no named request meets.
        (Coverage(((RULE, ("a",)),), 1, 300, named=True), ("a",), "proved 1 of 1 rule, 1 of 1 request"),
        (Coverage((), 0, 1), (), "proved 0 of 0 requests; 1 of 1 object understood"),
        # That it need not be proved does not make it understood.
        (
            Coverage(((RULE, ("a",)),), 1, 3, (replace(FILTER, allowed=True),)),
            ("a",),
            "proved 1 of 1 rule, 1 of 1 request; 2 of 3 objects understood; "
            "allowed to be unproven: EnvoyFilter x/y (f.yaml:1:1)",
        ),
    ],
)
def test_the_share_that_is_proved(coverage: Coverage, passed: tuple[str, ...], words: str) -> None:
    assert said(coverage, *passed) == words


def test_kinds_that_need_not_be_proved_are_named_and_those_that_routing_is_made_of_are_not() -> None:
    several = [
        Dependence("PeerAuthentication", "PeerAuthentication a/b", RULE, "is not shown"),
        Dependence("VirtualService", "VirtualService a/c", RULE, "has a field that is not modelled"),
        Dependence("WasmPlugin", "WasmPlugin a/d", RULE, "is not read", allowed=True),
        Dependence("EnvoyFilter", "EnvoyFilter a/e", RULE, "is refused", refused=True),
    ]
    policy = Unproved("connectionPool", "DestinationRule a/f", RULE, "b", "it would take too long")
    found = Coverage((), 1, 1, tuple(several), unproved=(policy,))
    assert acceptable(Record(coverage=found)) == ("PeerAuthentication",)
    assert acceptable(Record()) == ()
