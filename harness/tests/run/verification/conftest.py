"""Loads of verifications, driven on real Envoys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.verdict import Verdict
from meshproof.report.events import CheckFinished, Event
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared
from meshproof.run.session import Session
from meshproof.targets.embedded.target import EmbeddedTarget


@pytest.fixture
def driven(preloaded_forks: None) -> Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]:
    """Drive loads on meshes of their own, side by side; the verdicts of each."""

    def drive(folder: Path, several: Sequence[Prepared]) -> list[list[Verdict]]:
        named = [
            replace(one, name=f"{number} {one.name}", plan=replace(one.plan, scenario=f"{number} {one.name}"))
            for number, one in enumerate(several)
        ]
        found: dict[str, list[Verdict]] = {one.name: [] for one in named}

        class Collecting:
            def handle(self, event: Event) -> None:
                if isinstance(event, CheckFinished):
                    found[event.verdict.scenario].append(event.verdict)

            def close(self) -> None:
                pass

        async def run() -> None:
            session = Session(EmbeddedTarget({}), folder, [Collecting()], Options())
            try:
                await session.open([one.name for one in named], ["steady"])
                await session.run_all(named)
            finally:
                await session.close()

        asyncio.run(run())
        return list(found.values())

    return drive
