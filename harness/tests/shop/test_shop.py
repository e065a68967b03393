"""The example of a shop is proved as it is, and each way in which what runs differs from it is found, with its place.

Some variants are verified once, until a check fails them. With MESHPROOF_SHOP_TRIES all are, each also so many times
by the command itself, and has to fail every time.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.run.options import Options
from meshproof.run.selfcheck.drive import SelfCheck
from meshproof.run.selfcheck.folder import showing
from meshproof.run.selfcheck.mutants import Case
from meshproof.run.verification.verification import prepare_verification
from meshproof.targets.embedded.target import EmbeddedTarget
from shop_variants import ROOT, SHOP, VARIANTS, Variant
from sure import SURE, options

LIMIT = 180
TRIES = int(os.environ.get("MESHPROOF_SHOP_TRIES", "0"))
# Many tries show the promises that are made unasked; once, an error must be rare. The variant's weights are off by ten.
RATES, WORDS = (Precision(), ()) if TRIES else (replace(SURE, tolerance=0.06), options(points=6))
# One of shares, one of order, one of a policy.
SOME = {"weight-shifted", "rules-swapped", "pool-limit-raised"}
DRIVEN = VARIANTS if TRIES else [one for one in VARIANTS if one.name in SOME]
BY_COMMAND = [(one, number) for one in VARIANTS for number in range(TRIES)] or [(VARIANTS[0], 0)]


def verify(folder: Path, *applied: Path) -> subprocess.CompletedProcess[str]:
    """The command, from the top of the clone."""
    words = [word for one in applied for word in ("--applied", str(one))]
    return subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "meshproof",
            "verify",
            "-f",
            "examples/shop",
            *words,
            *WORDS,
            "--output",
            str(folder),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def case(one: Variant, place: Path) -> Case:
    """The variant, to be verified with the loads of `verify` that have a request which it answers otherwise."""
    found = prepare_verification([str(SHOP)], [str(place)], (), RATES, any_client=True)
    first, *further = showing(found)
    return Case(Judged("shop", 0, "variant", one.file, one.name), first, tuple(further))


def test_the_shop_is_proved_as_it_is(tmp_path: Path) -> None:
    done = verify(tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proved 14 of 14 rules" in done.stdout


@pytest.mark.parametrize("one", VARIANTS, ids=lambda one: one.name)
def test_a_request_is_known_that_each_variant_answers_otherwise(one: Variant, tmp_path: Path) -> None:
    assert case(one, one.write(tmp_path)).loads


@pytest.mark.long
@pytest.mark.usefixtures("preloaded_forks")
def test_variants_are_failed_and_the_applied_rule_is_named(tmp_path: Path) -> None:
    places = {one.name: one.write(tmp_path) for one in DRIVEN}
    cases = [case(one, places[one.name]) for one in DRIVEN]
    found: list[Judged | Unmutated] = []

    async def run() -> None:
        check = SelfCheck(EmbeddedTarget({}), tmp_path, Options(), found.append)
        try:
            await check.open(["steady"])
            await check.run([], cases)
        finally:
            await check.close()

    asyncio.run(run())
    judged = {one.what: one for one in found if isinstance(one, Judged)}
    assert set(judged) == set(places)
    assert {name: one.reason for name, one in judged.items() if one.status is not MutantStatus.KILLED} == {}
    told = {one.name: one.is_told(judged[one.name].reason, places[one.name]) for one in DRIVEN}
    assert [judged[name].reason for name, is_told in told.items() if not is_told] == []


@pytest.mark.long
@pytest.mark.parametrize(("one", "number"), BY_COMMAND, ids=lambda one: one.name if isinstance(one, Variant) else None)
def test_the_command_fails_a_variant_and_names_the_applied_rule(one: Variant, number: int, tmp_path: Path) -> None:
    place = one.write(tmp_path)
    done = verify(tmp_path / "out", place)
    assert done.returncode == 1, done.stdout + done.stderr
    assert one.is_told(done.stdout, place), done.stdout
