"""Rules that are added stand before all others, which stay as they are, and each does what it is named for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def test_what_an_added_rule_does_not_do_is_what_the_last_one_does(rules: Callable[[str], Sequence[Resource]]) -> None:
    route = "route: [{destination: {host: shop, subset: v1}}]"
    mirrored = f"  - {{timeout: 2s, mirror: {{host: shop, subset: v2}}, {route}}}\n"
    (last,) = spec(next(one for one in rules(mirrored) if one.kind == "VirtualService"))["http"]
    lacking = [one for one in made(rules(mirrored), "rule-added", "shop") if " without " in one.what]
    assert [one.what.rpartition(" ")[2] for one in lacking] == ["mirror", "timeout"]
    for mutant in lacking:
        name, added = mutant.what.rpartition(" ")[2], dict(spec(mutant.resource)["http"][0])
        assert added.pop("match")
        assert added == {key: value for key, value in last.items() if key != name}
