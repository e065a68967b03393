"""Shared by the tests of outlier_detection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.expectation import Ejection, Policy
from meshproof.border.verdict import Verdict
from meshproof.judge import OutlierDetection

from .simulated_proxy import WORKLOAD, Judge, SimulatedProxy


@pytest.fixture
def judged(build: Any) -> Judge:
    """The verdict on `specified`, where `proxy` is what runs; `spoil` may change what was observed."""

    def judge(
        specified: Ejection | None, proxy: SimulatedProxy, spoil: Callable[[SimulatedProxy], None] | None = None
    ) -> Verdict:
        arm = replace(build.arm("v1", 100, WORKLOAD), policy=Policy(ejection=specified))
        (trial,) = OutlierDetection().begin(build.plan(build.expectation(arm)))
        if specified is not None and trial.workloads:
            proxy.drive(trial)
        if spoil:
            spoil(proxy)
        for observation in proxy.seen:
            trial.observe(observation)
        return trial.conclude(proxy.books())

    return judge
