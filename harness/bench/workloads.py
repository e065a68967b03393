"""What a thousand Services with two replicas each cost as workload processes: memory, and seconds until all listen.

`--before REVISION` measures an earlier build's processes too, with as many Services as `--before-services`: it is
cloned into a temporary folder. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import psutil
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.workload.pool.pool import Pool, Wanted
from table import Row, show

LIMIT = 300.0
GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parents[2]
# Runs with an earlier build on its path, whose workload is a process for each replica.
EARLIER = """\
import asyncio, json, sys, tempfile, time
from pathlib import Path
import psutil
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model import ContainerPort, Workload
from meshproof.workload.nursery import Nursery
from meshproof.workload.probe import Probe

async def main(services):
    with tempfile.TemporaryDirectory() as name:
        folder, limits = Path(name), Timeouts()
        nursery = await Nursery.start(folder / "n.sock", folder / "n.log", limits)
        began = time.perf_counter()
        probes = await asyncio.gather(*(
            Probe.start(f"s{n}-{v}", Workload(f"s{n}-v{v}", "default", 1, {"app": f"s{n}"}, "helloworld",
            (ContainerPort(8080),), Location("bench", 1, 1)), folder / f"s{n}-{v}.log", limits, [8080], nursery)
            for n in range(services) for v in (1, 2)))
        seconds = time.perf_counter() - began
        parents = psutil.Process().children()
        family = {one.pid: one for parent in parents for one in (parent, *parent.children(recursive=True))}
        memory = sum(one.memory_full_info().pss for one in family.values())
        print(json.dumps([seconds, memory, len(family)]))
        await asyncio.gather(*(probe.stop() for probe in probes))
        await nursery.stop()

asyncio.run(main(int(sys.argv[1])))
"""


def wanted(services: int) -> list[Wanted]:
    """Two replicas of each Service, as they come of a Deployment for each of two versions."""
    found = []
    for number in range(services):
        for version in ("v1", "v2"):
            name = f"service-{number}-{version}"
            labels = {"app": f"service-{number}", "version": version}
            ports = (ContainerPort(8080),)
            one = Workload(name, "default", 1, labels, f"helloworld-{version}", ports, Location("bench", 1, 1))
            found.append(Wanted(f"{name}-0", one, (8080,)))
    return found


def megabytes(processes: Iterable[psutil.Process]) -> float:
    """What they take together, shared pages counted once."""
    return sum(one.memory_full_info().pss for one in processes) / 1e6


async def now(services: int) -> dict[str, float]:
    """Seconds until all listen, the first process included; megabytes and number of all processes."""
    with tempfile.TemporaryDirectory() as name:
        pool = await Pool.start(Path(name), Timeouts())
        try:
            began, own = time.perf_counter(), time.process_time()
            probes = await pool.replicas(wanted(services))
            seconds, own = time.perf_counter() - began, time.process_time() - own
            serving = [psutil.Process(pid) for pid in pool.pids]
            cpu = own + sum(sum(one.cpu_times()[:2]) for one in serving)
            children = psutil.Process().children(recursive=True)
            found = {"seconds": seconds, "cpu": cpu, "megabytes": megabytes(children), "processes": len(serving)}
            began = time.perf_counter()
            await asyncio.gather(*(probe.open() for probe in probes))
            await asyncio.gather(*(probe.books() for probe in probes))
            return {**found, "books": time.perf_counter() - began}
        finally:
            await pool.stop()


def before(revision: str, services: int) -> tuple[float, float, int]:
    """Seconds, megabytes and processes of the build at a revision."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([GIT, "clone", "-q", str(ROOT), name], check=True, timeout=LIMIT)
        subprocess.run([GIT, "-C", name, "checkout", "-q", revision], check=True, timeout=LIMIT)
        path = {**os.environ, "PYTHONPATH": f"{name}/harness"}
        argv = [sys.executable, "-c", EARLIER, str(services)]
        ended = subprocess.run(argv, env=path, check=True, timeout=LIMIT, capture_output=True, text=True)
        seconds, memory, processes = json.loads(ended.stdout)
        return seconds, memory / 1e6, processes - 1


def measure(services: int, runs: int, revision: str, fewer: int) -> Sequence[Row]:
    every = [asyncio.run(now(services)) for _ in range(runs)]
    part = {key: median(one[key] for one in every) for key in every[0]}
    replicas = 2 * services
    rows = [
        Row(f"{replicas} replicas: memory of all processes", part["megabytes"], "MB", 400.0),
        Row(f"{replicas} replicas: until all listen", part["seconds"], "s", 2.0),
        Row("  processor time of that", part["cpu"], "s"),
        Row("  workload processes", part["processes"]),
        Row(f"{replicas} replicas: books opened and read", part["books"], "s"),
    ]
    if revision:
        seconds, memory, processes = before(revision, fewer)
        rows += [
            Row(f"{2 * fewer} replicas at {revision}: memory of all processes", memory, "MB"),
            Row(f"{2 * fewer} replicas at {revision}: until all listen", seconds, "s"),
            Row("  workload processes", processes),
        ]
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--before", default="", metavar="REVISION", help="an earlier build to measure beside this one")
    parser.add_argument("--before-services", type=int, default=40, metavar="N", help="how many it is given")
    given = parser.parse_args(words)
    rows = measure(given.services, given.runs, given.before, given.before_services)
    show(f"workloads: medians of {given.runs} runs", rows)


if __name__ == "__main__":
    main()
