"""Rules that are added stand before all others, which stay as they are, and each does what it is named for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from meshproof.manifest import Resource
from meshproof.mutate.edit import plain

from .kinds_made import made, spec


@pytest.mark.parametrize(
    ("operator", "name", "field"),
    [
        ("rule-added", "shop", "http"),
        ("connection-rule-added", "connections", "tcp"),
        ("route-rule-added", "routes", "rules"),
    ],
)
def test_an_added_rule_is_the_first(everything: Sequence[Resource], operator: str, name: str, field: str) -> None:
    (before,) = (plain(one.body)["spec"][field] for one in everything if one.name == name and field in spec(one))
    several = made(everything, operator, name)
    assert several
    for mutant in several:
        first, *rest = spec(mutant.resource)[field]
        assert (first in before, rest) == (False, before), mutant.what


def test_what_an_added_rule_does_not_do_is_what_the_last_one_does(everything: Sequence[Resource]) -> None:
    (last,) = (spec(one)["http"][-1] for one in everything if one.name == "shop" and "http" in spec(one))
    lacking = [one for one in made(everything, "rule-added", "shop") if " without " in one.what]
    for mutant in lacking:
        name = mutant.what.rpartition(" ")[2]
        added = spec(mutant.resource)["http"][0]
        assert (name in last, name in added) == (True, False), mutant.what
        assert added["route"] == last["route"]
    seen = {"mirror", "mirrors", "mirrorPercentage", "retries", "timeout", "fault"} & last.keys()
    assert {one.what.rpartition(" ")[2] for one in lacking} == seen
