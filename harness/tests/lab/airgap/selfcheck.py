"""Mutants on real Istio: what is specified stays, what is applied to the lab's cluster is wrong in one place."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
from airgap import cluster, programs
from airgap.step import Lab
from meshproof.border.verdict import Precision
from meshproof.report.selfcheck_record import Fate, Judged, Unmutated
from meshproof.run.discover import scenarios, select
from meshproof.run.mutants import cases, sample
from meshproof.run.prepare import prepare
from meshproof.run.selfcheck import SelfCheck
from meshproof.run.session import Options
from meshproof.target.cluster import ClusterTarget
from meshproof.target.kube_settings import KubeSettings


def selfcheck(lab: Lab, names: Sequence[str], size: int, image: str) -> int:
    """Drive a sample of the mutants of some scenarios, one after another; how many were not failed."""
    settings = KubeSettings(
        context=cluster.CONTEXT,
        kubeconfig=str(cluster.kubeconfig(lab)),
        image=image,
        istioctl=str(programs.istioctl.path(lab)),
    )
    target = ClusterTarget(settings)
    target.preflight()
    found = [one for one in select(scenarios(), names) if not one.scenario.patient]
    precision = Precision().shared(len(found))
    chosen = sample([case for one in found for case in cases(one, precision, target.namespace)], size, 0)
    plain = [prepare(one.scenario, one.folder, precision, target.namespace) for one in found]
    told: list[Judged | Unmutated] = []

    def tell(one: Judged | Unmutated) -> None:
        told.append(one)
        if isinstance(one, Judged):
            click.echo(f"{one.fate or '':10} {one.scenario}: {one.what} ({one.seconds:.1f} s) {one.reason}")
        else:
            click.echo(f"{one.outcome.value:10} {one.scenario} as it is")

    async def carry_out(folder: Path) -> None:
        check = SelfCheck(target, folder, Options(precision, 0), tell, lanes=1)
        try:
            await check.open([])
            await check.run(plain, chosen)
        finally:
            await check.close()

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="meshproof-lab-") as folder:
        asyncio.run(carry_out(Path(folder)))
    judged = [one for one in told if isinstance(one, Judged)]
    killed = sum(one.fate is Fate.KILLED for one in judged)
    click.echo(f"{killed} of {len(judged)} mutants were failed, in {time.monotonic() - began:.0f} s")
    return len(judged) - killed
