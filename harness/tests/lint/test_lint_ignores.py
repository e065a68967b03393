"""Comments that take findings away, each with its reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: stars}
spec:
  selector: {app: stars}
  ports:
%s
"""
SNIFFED = "  - {name: web, port: 80}"
REASON = "because it is sniffed on purpose"


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in findings]


def test_without_a_comment_the_port_is_found(found: Look) -> None:
    assert codes(found(SERVICE % SNIFFED)) == ["MP090"]


@pytest.mark.parametrize(
    "line",
    [
        f"{SNIFFED}  # meshproof: ignore MP090 {REASON}",
        f"  # meshproof: ignore MP090 {REASON}\n{SNIFFED}",
        f"  #meshproof:ignore MP090 {REASON}\n  # and a comment of somebody else\n\n{SNIFFED}",
        f"  # meshproof: ignore MP090, MP091 {REASON}\n{SNIFFED}",
    ],
)
def test_a_comment_on_the_line_or_above_it_takes_the_finding_away(line: str, found: Look) -> None:
    assert "MP090" not in codes(found(SERVICE % line))


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ("MP090", "its reason"),
        ("MP090 because", "its reason"),
        ("because I like it", "the code"),
        ("", "the code"),
    ],
)
def test_a_comment_without_code_or_reason_ignores_nothing_and_is_told(said: str, lacking: str, found: Look) -> None:
    several = found(SERVICE % f"{SNIFFED}  # meshproof: ignore {said}")
    assert sorted(codes(several)) == ["MP090", "MP130"]
    assert lacking in next(one.message for one in several if one.code == "MP130")


def test_a_code_that_there_is_not_is_told(found: Look) -> None:
    several = found(SERVICE % f"{SNIFFED}  # meshproof: ignore MP990, MP090 {REASON}")
    assert [(one.code, one.message) for one in several] == [("MP130", "there is no code MP990")]


def test_a_comment_that_ignores_nothing_is_told_with_the_line_that_it_is_for(found: Look) -> None:
    line = f"  # meshproof: ignore MP090 {REASON}\n  - {{name: http, port: 80}}"
    several = found(SERVICE % line)
    assert [(one.code, one.location.line, one.message) for one in several] == [
        ("MP131", 7, "nothing in line 8 is found by MP090")
    ]


def test_a_comment_for_a_code_that_is_left_out_is_as_it_should_be(found: Look) -> None:
    line = f"{SNIFFED}  # meshproof: ignore MP090 {REASON}"
    assert codes(found(SERVICE % line, left_out=frozenset({"MP090"}))) == []


def test_a_comment_is_for_one_line_alone(found: Look) -> None:
    two = f"  - {{name: web, port: 80}}  # meshproof: ignore MP090 {REASON}\n  - {{name: more, port: 81}}"
    assert [(one.code, one.location.line) for one in found(SERVICE % two)] == [("MP090", 8)]
