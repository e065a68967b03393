"""How fast a load is in a cluster, beside the same load on the embedded mesh, measured alternately.

`--context`, `--kubeconfig` and `--image` as for `meshproof run --target cluster`. Prints ratios and asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median

from meshproof.border.load import Load
from meshproof.border.verdict import Precision
from meshproof.judge import Split
from meshproof.run.options import WINDOW
from meshproof.run.prepare import Prepared, prepare
from meshproof.run.resolve import located
from meshproof.scenario import Scenario
from meshproof.suite import folder
from meshproof.targets.base import Target
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.embedded.target import EmbeddedTarget
from meshproof.traffic.locust import Generator
from table import Row, show

FILES = folder("scenarios") / "canary"
CANARY = Scenario(
    name="Rate",
    description="A canary as in scenarios/canary.",
    manifests=["helloworld.yaml", "subsets.yaml", "weight-10.yaml"],
    load=Load("steady", "GET http://helloworld:5000/hello"),
    expect=[Split()],
)
AIM = 0.5


@contextlib.asynccontextmanager
async def sending(target: Target, log: Path) -> AsyncIterator[tuple[Generator, Prepared, Sequence[object]]]:
    """A generator where it has to stand, on a mesh that is up, and the addresses that it sends to."""
    prepared = prepare(CANARY, FILES, Precision(), target.namespace)
    await target.up()
    try:
        live = target.mesh("rate", prepared.load.requests)
        await live.apply(prepared.stages[0].mesh, prepared.stages[0].resources)
        vantage = live.vantage(prepared.load.requests)
        generator = await Generator.start("steady", vantage, log, target.timeouts)
        try:
            yield generator, prepared, vantage.resolve
        finally:
            await generator.close()
            await live.close()
    finally:
        await target.down()


async def rate(
    generator: Generator,
    prepared: Prepared,
    resolve: Sequence[object],
    seconds: float,
    ids: str,
    window: int = WINDOW,
) -> float:
    """Requests per second under the window that runs have."""
    load = located(prepared.load, FILES)
    await generator.begin(load, resolve, ids)  # type: ignore[arg-type]
    count, began = 0, time.perf_counter()
    generator.grant(0, window)
    async for batch in generator.observations():
        count += len(batch)
        if time.perf_counter() - began < seconds:
            generator.grant(0, count + window)
        else:
            await generator.finish()
    return count / (time.perf_counter() - began)


async def main(options: argparse.Namespace) -> None:
    settings = KubeSettings(context=options.context, kubeconfig=options.kubeconfig, image=options.image)
    rates: dict[str, list[float]] = {"embedded": [], "cluster": []}
    with tempfile.TemporaryDirectory() as name:
        async with (
            sending(EmbeddedTarget(), Path(name, "embedded.log")) as embedded,
            sending(ClusterTarget(settings), Path(name, "cluster.log")) as cluster,
        ):
            for number in range(options.rounds + 1):
                for what, one in (("embedded", embedded), ("cluster", cluster)):
                    rates[what].append(await rate(*one, options.seconds, f"{what}-{number}-"))
    # The first of each warms caches and connections.
    here, there = rates["embedded"][1:], rates["cluster"][1:]
    ratio = median(far / near for near, far in zip(here, there, strict=True))
    rows = [
        Row("requests/s on the embedded mesh", median(here)),
        Row("requests/s in the cluster, through two sidecars", median(there)),
        Row("ratio, median of the pairs", ratio, aim=AIM, at_least=True),
    ]
    show(f"a steady load, a window of {WINDOW}, {options.rounds} rounds of {options.seconds:g} s", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--context", required=True)
    parser.add_argument("--kubeconfig", default="")
    parser.add_argument("--image", required=True)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=6)
    asyncio.run(main(parser.parse_args()))
