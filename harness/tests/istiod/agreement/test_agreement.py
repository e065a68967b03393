"""meshproof held against a real istiod, case by case: one figure, and a report of what differs.

    MESHPROOF_ISTIOD_AGREEMENT=1 pytest -s harness/tests/istiod/agreement

It needs Go, which fetches Istio's module and builds istiod's code at first (tox -e istiod). MESHPROOF_ISTIOD_PAIRS says
how many pairs of features are drawn, MESHPROOF_ISTIOD_KINDS how many more with what several objects do to each other,
MESHPROOF_ISTIOD_TOGETHER how many of up to six features at once, MESHPROOF_ISTIOD_SEED by which number: another draws
others. MESHPROOF_ISTIOD_REPORT names a file for what differs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import of_istio, of_this_project
from generated import SEED, generated, of_kinds, together
from held import Held, Outcome, held, left_out
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.istiod.program import program, version
from odd import odd
from sides import called, of_istiod, sides

pytestmark = pytest.mark.skipif(
    not os.environ.get("MESHPROOF_ISTIOD_AGREEMENT"), reason="needs Go and minutes: tox -e istiod"
)
PAIRS = int(os.environ.get("MESHPROOF_ISTIOD_PAIRS", "700"))
KINDS = int(os.environ.get("MESHPROOF_ISTIOD_KINDS", "0"))
TOGETHER = int(os.environ.get("MESHPROOF_ISTIOD_TOGETHER", "100"))
DRAWN_BY = int(os.environ.get("MESHPROOF_ISTIOD_SEED", SEED))
# So many cases, and so many of them that agree, are there at least.
LEAST, WANTED = 1900, 0.995
# What differs is told as not proved, always.
SILENT = 0
# What objects with one odd value agree in, at least.
REFUSALS = 0.99


@pytest.fixture(scope="module")
def istiod() -> list[str]:
    return [str(asyncio.run(program(Timeouts())))]


@pytest.fixture(scope="module")
def compared(istiod: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[Held]:
    """Every case; those of which one side refuses something are compared once more without that."""
    folder = tmp_path_factory.mktemp("istiod")
    drawn = (*generated(PAIRS, DRAWN_BY), *of_kinds(KINDS, DRAWN_BY), *together(TOGETHER, DRAWN_BY))
    first = [sides(one) for one in (*of_this_project(), *of_istio(), *drawn)]
    found = [held(*both) for both in zip(first, of_istiod(istiod, [one.asked() for one in first], folder), strict=True)]
    again = [number for number, one in enumerate(found) if one.ours_refused or one.theirs_refused]
    without = [
        sides(found[number].sides.case, frozenset({*found[number].ours_refused, *found[number].theirs_refused}))
        for number in again
    ]
    answers = of_istiod(istiod, [one.asked() for one in without], folder)
    for number, part, answer in zip(again, without, answers, strict=True):
        rest = held(part, answer)
        kept = found[number]
        if kept.differences == rest.differences:
            # What is refused here is nothing to istiod, whatever else differs.
            kept.theirs_refused = {**kept.theirs_refused, **left_out(kept)}
        kept.differences, kept.silent, kept.failed = rest.differences, rest.silent, rest.failed
    report(found)
    return found


def report(found: list[Held]) -> None:
    """Write what differs to the file that is asked for."""
    path = os.environ.get("MESHPROOF_ISTIOD_REPORT")
    if not path:
        return
    with Path(path).open("w", encoding="utf-8") as file:
        for one in found:
            entry = {
                "case": one.sides.case.name,
                "outcomes": sorted(one.outcomes),
                "failed": one.failed,
                "ours": {name: why for name, why in one.ours_refused.items() if name not in one.theirs_refused},
                "theirs": {name: why for name, why in one.theirs_refused.items() if name not in one.ours_refused},
                "silent": one.silent,
                "told": [each[:2] for each in one.differences if each not in one.silent],
            }
            if entry["outcomes"] != [Outcome.SAME]:
                file.write(json.dumps(entry) + "\n")


def test_what_both_take_agrees(compared: list[Held]) -> None:
    asked = [one for one in compared if not one.failed]
    wrong = {Outcome.OURS_ONLY, Outcome.THEIRS_ONLY, Outcome.SILENT}
    different = [one for one in asked if one.outcomes & wrong]
    counts = Counter(outcome for one in compared for outcome in one.outcomes)
    agreement = 1 - len(different) / len(asked)
    print(
        f"\nistiod {version()}: {len(asked)} cases, {agreement:.2%} agree; "
        + ", ".join(f"{outcome}: {number}" for outcome, number in sorted(counts.items())),
        file=sys.stderr,
    )
    assert len(asked) >= LEAST
    assert agreement >= WANTED
    assert counts[Outcome.SILENT] <= SILENT


def test_what_one_refuses_the_other_refuses(istiod: list[str], tmp_path: Path) -> None:
    several = [sides(one) for one in odd()]
    answers = of_istiod(istiod, [{**one.asked(), "proxies": {}} for one in several], tmp_path)
    wrong = []
    for one, answer in zip(several, answers, strict=True):
        both = held(one, {**answer, "failed": "not asked"})
        known = {called(each): each for each in one.case.objects}
        for name in sorted(both.ours_refused.keys() ^ both.theirs_refused.keys()):
            ours, theirs = both.ours_refused.get(name), both.theirs_refused.get(name)
            wrong.append((name.split()[0], json.dumps(known[name]["spec"]), ours, theirs))
    if path := os.environ.get("MESHPROOF_ISTIOD_REPORT"):
        Path(path + ".odd").write_text("".join(json.dumps(one) + "\n" for one in wrong))
    asked = sum(len(one.case.objects) for one in several)
    agreement = 1 - len(wrong) / asked
    print(f"\nistiod {version()}: {asked} objects with an odd value, {agreement:.2%} agree", file=sys.stderr)
    assert agreement >= REFUSALS
