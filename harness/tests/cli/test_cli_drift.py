"""`meshproof verify --applied`: another rule than the specified one takes requests, and both are named with lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from meshproof.report.events import CheckShown
from meshproof.report.log import replay
from meshproof.report.run_folder import EVENTS

HEAD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: helloworld}
spec:
  hosts: [helloworld]
  http:
"""
ONE, OTHER = (f"route: [{{destination: {{host: helloworld, subset: {version}}}}}]" for version in ("v1", "v2"))
TESTERS = '  - match: [{headers: {x-tester: {exact: "yes"}}}]\n    ' + OTHER + "\n"
ORDERS = "  - match: [{uri: {prefix: /hello}}]\n    " + ONE + "\n"
REST = """\
  - route:
    - {destination: {host: helloworld, subset: v1}, weight: 90}
    - {destination: {host: helloworld, subset: v2}, weight: 10}
"""
MARKED = "  - headers: {request: {set: {x-tenant: acme}}}\n    " + ONE + "\n"
PLAIN = "  - " + ONE + "\n"


def routes(place: Any, name: str, *rules: str) -> Path:
    folder: Path = place.mesh(name, None)
    (folder / "route.yaml").write_text(HEAD + "".join(rules))
    return folder


@pytest.mark.long
@pytest.mark.parametrize(
    ("specified", "applied", "lines"),
    [
        ((TESTERS, ORDERS, REST), (ORDERS, TESTERS, REST), ("7", 7)),
        # Both destinations of the rule are ruled out by the same request: either line is the rule's.
        pytest.param((TESTERS, REST), (TESTERS.replace("exact", "prefix"), REST), ("10|11", 7), marks=pytest.mark.long),
        ((MARKED,), (PLAIN,), ("7", 7)),
    ],
    ids=["swapped", "widened", "a header dropped"],
)
def test_the_rule_that_took_a_request_is_named_beside_the_one_that_was_to(
    place: Any, specified: tuple[str, ...], applied: tuple[str, ...], lines: tuple[str, int]
) -> None:
    routes(place, "spec", *specified)
    routes(place, "other", *applied)
    ended = place.run(*place.verify, "--applied", "other", "-o", "json", "--output", "run")
    assert ended.code == 1, ended.err
    reasons = [one["reason"] for one in ended.report["checks"] if one["outcome"] == "failed"]
    assert reasons
    for reason in reasons:
        assert re.search(rf"spec/route\.yaml:(?:{lines[0]}):", reason), reason
        assert f"what is applied takes it by the rule at other/route.yaml:{lines[1]}:5" in reason
    events = replay(place.here / "run" / EVENTS)
    shown = [one for one in events if isinstance(one, CheckShown) and one.applied]
    assert {one.applied[0].location for one in shown} == {f"other/route.yaml:{lines[1]}:5"}
    for one in shown:
        assert re.fullmatch(r"spec/route\.yaml:(7|9):5", one.specified[0].location)
        assert "subset: v" in one.specified[0].text
        assert sum(one.answers.values()) == sum(number for _, number in one.latencies) > 0
        assert any(example.answered_by.startswith("helloworld-v") for example in one.examples)
