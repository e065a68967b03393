"""What two worker pods carry beside one: requests for each second of processor time of the generator's side.

`--context`, `--kubeconfig` and `--image` as for `meshproof run --target cluster`. Prints ratios and asserts nothing.
Where there are fewer processors than pods want, requests for each second of the clock say little.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from meshproof.border.verdict import Precision
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared, prepare
from meshproof.targets.cluster.client_pod import CONTAINER, NAME
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.traffic.locust import Generator
from on_cluster import CANARY, FILES, rate
from table import Row, show

AIM = 1.6
PROXY = "istio-proxy"
# cgroup v1 counts nanoseconds, v2 microseconds.
USED = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage || sed -n 's/^usage_usec \\(.*\\)/\\1000/p' /sys/fs/cgroup/cpu.stat"


@dataclass(frozen=True, slots=True)
class Pods:
    """The clients of a run, and the processor time that their containers have used."""

    kubectl: tuple[str, ...]
    names: tuple[str, ...]

    def used(self, container: str) -> float:
        """Seconds, of all pods together."""
        argv = [[*self.kubectl, "exec", name, "-c", container, "--", "sh", "-c", USED] for name in self.names]
        return sum(int(subprocess.run(one, capture_output=True, check=True).stdout) / 1e9 for one in argv)


@dataclass(frozen=True, slots=True)
class Sender:
    """A load on a mesh that is up."""

    generator: Generator
    prepared: Prepared
    resolve: Sequence[object]
    pods: Pods


@contextlib.asynccontextmanager
async def sending(options: argparse.Namespace, workers: int, log: Path) -> AsyncIterator[Sender]:
    """So many workers in pods of their own."""
    target = ClusterTarget(KubeSettings(context=options.context, kubeconfig=options.kubeconfig, image=options.image))
    prepared = prepare(CANARY, FILES, Precision(), target.namespace)
    target.preflight()
    await target.up()
    try:
        live = target.mesh("rate", prepared.load.requests, workers=workers)
        await live.apply(prepared.stages[0].mesh, prepared.stages[0].resources)
        vantage = live.vantage(prepared.load.requests)
        generator = await Generator.start("steady", vantage, log, target.timeouts)
        words = ("kubectl", "--context", options.context, "--namespace", target.namespace)
        words += ("--kubeconfig", options.kubeconfig) if options.kubeconfig else ()
        names = await asyncio.to_thread(_clients, words)
        try:
            yield Sender(generator, prepared, vantage.resolve, Pods(words, names))
        finally:
            await generator.close()
            await live.close()
    finally:
        await target.down()


def _clients(kubectl: Sequence[str]) -> tuple[str, ...]:
    argv = [*kubectl, "get", "pods", "-l", f"app={NAME}", "-o", "name"]
    return tuple(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())


async def main(options: argparse.Namespace) -> None:
    measured: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        async with (
            sending(options, 1, Path(name, "one.log")) as one,
            sending(options, 2, Path(name, "two.log")) as two,
        ):
            for number in range(options.rounds + 1):
                for workers, sender in ((1, one), (2, two)):
                    pods = sender.pods
                    before = pods.used(CONTAINER), pods.used(PROXY)
                    began = time.perf_counter()
                    words = (sender.generator, sender.prepared, sender.resolve)
                    rated = await rate(*words, options.seconds, f"{workers}-{number}-", Options().ahead(workers))
                    sent = rated * (time.perf_counter() - began)
                    locust, proxies = pods.used(CONTAINER) - before[0], pods.used(PROXY) - before[1]
                    measured[workers].append((rated, sent / locust, sent / (locust + proxies)))
    # The first of each warms caches and connections.
    (rates, alone, whole), (rates2, alone2, whole2) = (
        tuple(zip(*measured[workers][1:], strict=True)) for workers in (1, 2)
    )
    rows = [
        Row("requests/s with one worker pod", median(rates)),
        Row("requests/s with two", median(rates2)),
        Row("requests per processor second of Locust, one worker pod", median(alone)),
        Row("requests per processor second of Locust, two", median(alone2)),
        Row("requests per processor second of Locust and its sidecars, one worker pod", median(whole)),
        Row("requests per processor second of Locust and its sidecars, two", median(whole2)),
        Row(
            "what two carry beside one, with as many processors",
            2 * median(alone2) / median(alone),
            aim=AIM,
            at_least=True,
        ),
        Row("the same, sidecars included", 2 * median(whole2) / median(whole), aim=AIM, at_least=True),
    ]
    show(f"a steady load, the windows that runs have, {options.rounds} rounds of {options.seconds:g} s", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--context", required=True)
    parser.add_argument("--kubeconfig", default="")
    parser.add_argument("--image", required=True)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=6)
    asyncio.run(main(parser.parse_args()))
