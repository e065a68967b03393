"""Carry a self-check out and print what it found."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click

import meshproof
from meshproof.border.facts.provenance import Digest
from meshproof.border.verdict import Precision
from meshproof.cli.help.tree import spoken
from meshproof.cli.watcher import Watcher
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact
from meshproof.report.run_folder import choose, new_run_id
from meshproof.report.selfcheck.folder import claim, keep
from meshproof.report.selfcheck.record import Judged, SelfCheckRecord, Unmutated, combined
from meshproof.report.selfcheck.show import document, score, table
from meshproof.run.exit_codes import EXIT_BROKE, EXIT_INTERRUPTED, VerdictCode
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared
from meshproof.run.selfcheck.drive import SelfCheck
from meshproof.run.selfcheck.mutants import Case
from meshproof.signals import on_interrupt
from meshproof.targets.base import Target


@dataclass(frozen=True, slots=True)
class Proof:
    """What to do: `found` mutants there are in all, `cases` are those to judge, of what is `plain` as it is.

    `own` names somebody's own manifests: `plain` are the loads of their verification then, `known` what is known
    of it before any is driven, and `manifests` their files.
    """

    target: Target
    plain: Sequence[Prepared]
    cases: Sequence[Case]
    found: int
    precision: Precision
    shared: Precision
    seed: int
    own: str = ""
    known: tuple[Unmutated, ...] = ()
    manifests: tuple[Digest, ...] = ()


def prove(proof: Proof, format: str, output: Path | None) -> int:
    """Run everything and print what was asked for; the exit code."""
    target = proof.target
    target.preflight()
    folder = claim(choose(new_run_id(), output))
    watcher = Watcher(sys.stderr, sum(case.judged.counts for case in proof.cases))
    began = time.perf_counter()
    check = SelfCheck(target, folder, Options(proof.shared, proof.seed), watcher.report)
    with asyncio.Runner() as runner:
        whole = runner.run(_carry_out(check, proof))
    watcher.close()
    record = _record(watcher, proof, time.perf_counter() - began)
    kept = keep(folder, record)
    if format == "json":
        click.echo(document(record), nl=False)
    else:
        for text in table(record, spoken()):
            click.echo(redact(text))
    click.echo(f"{score(record)}; {kept}" if format == "json" else spoken()("report: {path}", path=kept), err=True)
    left = len(proof.cases) - len(record.mutants)
    if left:
        words, n = spoken(), f"{left:,}"
        if whole:
            click.echo(words("ended before {n} mutants had been judged", n=n), err=True)
        else:
            click.echo(words("interrupted before {n} mutants had been judged", n=n), err=True)
    return EXIT_INTERRUPTED if not whole else EXIT_BROKE if left else VerdictCode(record.exit_code)


async def _carry_out(check: SelfCheck, proof: Proof) -> bool:
    """False when it was interrupted; nothing stays behind either way."""
    work = asyncio.ensure_future(_all(check, proof))
    on_interrupt(work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return False
    finally:
        await check.close()
    return True


async def _all(check: SelfCheck, proof: Proof) -> None:
    await check.open([one.load.shape for one in proof.plain])
    await check.run(proof.plain, proof.cases)


def _record(watcher: Watcher, proof: Proof, seconds: float) -> SelfCheckRecord:
    order = {_key(case.judged): number for number, case in enumerate(proof.cases)}
    whole = (*proof.known, *watcher.unmutated)
    return SelfCheckRecord(
        (combined(proof.own, whole),) if proof.own else whole,
        tuple(sorted(watcher.judged, key=lambda one: order[_key(one)])),
        seconds,
        proof.found,
        {**asdict(proof.precision), "seed": proof.seed},
        {"meshproof": meshproof.__version__, "locust": version("locust"), **proof.target.versions},
        proof.own,
        proof.manifests,
    )


def _key(one: Judged) -> tuple[str, ...]:
    return one.scenario, str(one.stage), one.operator, one.location, one.what, one.part
