"""Prove on a target what is predicted of intents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from meshproof.border.intents.intent import Case
from meshproof.border.verdict import Verdict
from meshproof.cli.execute import carry_out
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.shared import Settings
from meshproof.inspection import Inspection
from meshproof.manifest import Notice
from meshproof.report.run_folder import RunFolder, choose, new_run_id, replayed
from meshproof.report.terminal.terminal import Terminal
from meshproof.run.intents.outcome import Verdicts, by_proof
from meshproof.run.intents.predicted import Predicted
from meshproof.run.intents.proof import How, prove
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared
from meshproof.run.session import Session
from meshproof.targets.base import Target
from meshproof.targets.ports import check_served


def proved(
    settings: Settings, target: Target, predicted: Predicted, notices: Sequence[Notice], *, drift: bool
) -> tuple[tuple[tuple[Case, Verdict], ...], Path, int]:
    """The verdict of each case, where the reports are kept, and the run's exit code."""
    how = How("ProbeWorkload" in target.features, "ProxylessWorkloads" in target.features, drift)
    proof = prove(predicted, how)
    check_served(dict(settings.ports), (stage.mesh for one in proof.driven for stage in one.stages))
    target.preflight()
    words = spoken()
    run = RunFolder(choose(new_run_id(), settings.output), words)
    verdicts = Verdicts()
    terminal = Terminal(None, sys.stderr, color=settings.color, report=run.report, words=words)
    options = Options(settings.precision, settings.seed, timeouts=target.timeouts, workers=settings.workers)
    if settings.locust_web:
        options = replace(options, locust_page=terminal.locust_page)
    session = Session(target, run.path, [run, verdicts, terminal], options)
    told = tuple((str(one.location), one.message) for one in notices)
    known = [replace(proof.inspection, notices=told)] if proof.inspection.expect or not proof.driven else []
    first = () if known else tuple(replace(one, notices=(*notices, *one.notices)) for one in proof.driven[:1])
    work: list[Prepared | Inspection[Any]] = [*known, *first, *proof.driven[len(first) :]]
    with asyncio.Runner() as runner:
        code = runner.run(carry_out(session, work))
    for line in replayed(run.path, words):
        print(line, file=sys.stderr)
    return by_proof(predicted, verdicts.found), run.report, code
