"""Of many objects with the same gap the terminal shows a few; what failed, and what is said of one alone, stays."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.verdict import Outcome, Verdict
from meshproof.report.terminal.abridged import FIRST, MOST_ALIKE, FewAlike, abridged


def listening(number: int, outcome: Outcome = Outcome.INCONCLUSIVE) -> Verdict:
    subject = f"Deployment shop/cart{number}"
    reason = (
        f"k8s/cart{number}.yaml:10:1: {subject}: its containers name 8080, and cart{number}.shop.svc sends to 9090: 1 "
        f"request is not proved for it (GET http://cart{number}.shop:9090/)"
    )
    return Verdict("coverage", "Understood", outcome, reason, request=subject)


def shown(*verdicts: Verdict) -> list[tuple[str, int]]:
    return [(one.request, more) for one, more in abridged(verdicts)]


def test_few_are_all_shown() -> None:
    several = [listening(number) for number in range(MOST_ALIKE)]
    assert shown(*several) == [(one.request, 0) for one in several]


def test_of_many_the_first_are_shown_and_the_rest_is_counted() -> None:
    several = [listening(number) for number in range(75)]
    assert shown(*several) == [
        ("Deployment shop/cart0", 0),
        ("Deployment shop/cart1", 0),
        ("Deployment shop/cart2", 75 - FIRST),
    ]


def test_what_is_said_of_one_alone_stays_among_them() -> None:
    other = replace(listening(7), request="EnvoyFilter shop/lua", reason="k8s/lua.yaml:1:1: EnvoyFilter: is not read")
    assert ("EnvoyFilter shop/lua", 0) in shown(*(listening(number) for number in range(20)), other)


def test_each_failure_is_shown() -> None:
    assert len(shown(*(listening(number, Outcome.FAILED) for number in range(20)))) == 20


def test_of_notices_that_say_the_same_the_first_are_shown_as_they_come() -> None:
    few = FewAlike()
    told = [few.shows(f"no Service is called shop{number}.example: it cannot be resolved") for number in range(20)]
    assert told == [True] * FIRST + [False] * (20 - FIRST)
    assert few.shows("v1 ServiceAccount is not read")
    assert few.hidden == 20 - FIRST
