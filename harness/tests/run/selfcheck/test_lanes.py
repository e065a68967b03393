"""Mutants are driven side by side where each mesh is separate, one after another where they share a namespace."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from meshproof.border.verdict import Outcome, Precision
from meshproof.run.discover import scenarios, select
from meshproof.run.options import Options
from meshproof.run.prepare import prepare
from meshproof.run.result import Result
from meshproof.run.selfcheck.drive import SelfCheck


@pytest.mark.parametrize(("local", "most"), [(True, 4), (False, 1)])
def test_how_many_run_at_once(monkeypatch, tmp_path, local, most):
    plain = [
        prepare(one.scenario, one.folder, Precision()) for one in select(scenarios(), ["canary", "OutlierLoneHost"])
    ]
    running = seen = 0

    async def drive(*_):
        nonlocal running, seen
        running += 1
        seen = max(seen, running)
        await asyncio.sleep(0.01)
        running -= 1
        return Result(Outcome.PASSED)

    monkeypatch.setattr(SelfCheck, "_drive", drive)
    judged = []
    check = SelfCheck(SimpleNamespace(local=local), tmp_path, Options(), judged.append, lanes=3)
    asyncio.run(check.run(plain, []))
    assert len(judged) == 4
    assert seen == most
