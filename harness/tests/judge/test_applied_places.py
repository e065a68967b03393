"""A failed verdict says where the applied manifests have what was to be otherwise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.border.expectation import Arm, Ejection, Expectation, Policy, Pool
from meshproof.border.request import Hashing, HashKey, parse
from meshproof.border.verdict import Precision
from meshproof.errors import Location
from meshproof.judge.expectations import hashed_by, limited_by, taken_by
from meshproof.scenario import Plan

REQUEST = parse("GET http://web/")
PLACE = Location("applied/web.yaml", 7, 5)


def plan(policy: Policy | None) -> Plan:
    """A plan of one request, whose only destination has this policy where it is applied."""
    there = Location("applied/web.yaml", 20, 9)
    arms = (
        () if policy is None else (Arm("web.default", Fraction(1), frozenset({"default/web"}), there, policy=policy),)
    )
    one = Expectation(REQUEST, ())
    return Plan("verify", ((one,),), Precision(), applied=((Expectation(REQUEST, arms),),))


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("connectionPool", Policy(pool=Pool(location=PLACE), ejection=Ejection(location=Location("a", 1, 1)))),
        ("outlierDetection", Policy(ejection=Ejection(location=PLACE), pool=Pool(location=Location("a", 1, 1)))),
    ],
)
def test_where_another_limit_is_applied(kind: str, policy: Policy) -> None:
    assert limited_by(plan(policy), 0, 0, kind) == f"; what is applied has the {kind} at applied/web.yaml:7:5"


@pytest.mark.parametrize("policy", [None, Policy(), Policy(pool=Pool())])
def test_that_no_limit_is_applied(policy: Policy | None) -> None:
    assert limited_by(plan(policy), 0, 0, "connectionPool") == "; what is applied has no connectionPool"


def test_nothing_is_said_where_what_is_specified_is_applied() -> None:
    assert limited_by(Plan("verify", ((Expectation(REQUEST, ()),),), Precision()), 0, 0, "connectionPool") == ""


def test_what_is_applied_otherwise_is_named_where_no_rule_takes_a_request() -> None:
    gone = Expectation(REQUEST, (), status=404, note="no rule matches")
    one = Plan("verify", ((Expectation(REQUEST, ()),),), Precision(), applied=((gone,),))
    told = "what is applied has no rule for it (no rule matches)"
    assert taken_by(one, 0, 0) == told
    assert (
        taken_by(replace(one, otherwise=(("Gateway a/b is not there",),)), 0, 0) == f"{told}: Gateway a/b is not there"
    )


def test_where_another_hash_is_applied() -> None:
    def told(hashing: Hashing | None) -> str:
        arm = Arm("web.default", Fraction(1), frozenset({"default/web"}), PLACE, hashed_by=hashing)
        row = ((Expectation(REQUEST, (arm,)),),)
        return hashed_by(Plan("verify", row, Precision(), applied=row), 0, 0, "web.default")

    there = Hashing((HashKey("header", "x-user"),), 2, location=PLACE)
    assert told(there) == "what is applied has the consistentHash at applied/web.yaml:7:5"
    assert told(None) == "what is applied hashes nothing"


def test_why_the_applied_rule_leads_nowhere_is_told() -> None:
    def told(note: str) -> str:
        arm = Arm("web.default/v1", Fraction(1), frozenset(), PLACE, note)
        row = ((Expectation(REQUEST, (arm,), route=PLACE),),)
        return taken_by(Plan("verify", row, Precision(), applied=row), 0, 0)

    rule = "what is applied takes it by the rule at applied/web.yaml:7:5"
    assert told("") == rule
    assert told("no DestinationRule defines the subset") == f"{rule} (no DestinationRule defines the subset)"
