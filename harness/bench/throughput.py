"""How fast the load generator is, beside wrk and with workers, directly against one workload.

Also what an observation costs. Prints ratios and what they are of; nothing here is a test.
`--seconds` per measurement.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from meshproof.border.load import Load, Vantage
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.run.options import Options
from meshproof.traffic import wire
from meshproof.traffic.locust import Generator
from meshproof.workload.probe import Probe
from table import Row, show

HELLOWORLD = Workload(
    "helloworld-v1",
    "default",
    1,
    {"app": "helloworld", "version": "v1"},
    "docker.io/istio/examples-helloworld-v1",
    (ContainerPort(5000),),
    Location("bench", 1, 1),
)
USERS = 8
ROUNDS = 3


async def locust(port: int, window: int, seconds: float, generator: Generator) -> tuple[float, float, int]:
    """Requests per second, this process' own CPU per observation in microseconds, requests beyond the stop."""
    load = Load("steady", "GET http://helloworld:5000/hello", users=USERS)
    await generator.begin(load, {"helloworld:5000": ("127.0.0.1", port)}, f"w{window}-")
    count, stopped = 0, 0
    own = time.process_time()
    began = time.perf_counter()
    generator.grant(0, window)
    async for batch in generator.observations():
        count += len(batch)
        if time.perf_counter() - began < seconds:
            generator.grant(0, count + window)
        elif not stopped:
            stopped = count
            await generator.finish()
    elapsed = time.perf_counter() - began
    return count / elapsed, (time.process_time() - own) / count * 1e6, count - stopped


async def spread(port: int, seconds: float, folder: Path, timeouts: Timeouts) -> None:
    """Print requests per second of one process, and of a master with workers beside it, measured alternately."""
    counts = (0, 1, 2)
    generators = [
        await Generator.start(
            "steady", Vantage(workers=(Vantage(),) * count), folder / f"workers-{count}.log", timeouts
        )
        for count in counts
    ]
    rates: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(ROUNDS):
        for count, generator in zip(counts, generators, strict=True):
            rates[count].append((await locust(port, Options().ahead(count), seconds, generator))[0])
    for generator in generators:
        await generator.close()
    rows = [Row("one process, requests each second", median(rates[0]))]
    for count in counts[1:]:
        ratio = median(one / alone for one, alone in zip(rates[count], rates[0], strict=True))
        rows.append(Row(f"with {count} of them ÷ one process", ratio, "", 1.0, at_least=True))
    show("Locust's workers", rows)


async def wrk(port: int, seconds: float) -> float | None:
    """Requests per second of wrk with one thread, or None where it is not installed."""
    program = shutil.which("wrk")
    if program is None:
        return None
    argv = [program, "-t1", f"-c{USERS}", f"-d{max(1, round(seconds))}", "-H", "x-meshproof-id: wrk"]
    process = await asyncio.create_subprocess_exec(*argv, f"http://127.0.0.1:{port}/hello", stdout=-1)
    output, _ = await process.communicate()
    found = re.search(rb"Requests/sec:\s+([0-9.]+)", output)
    return float(found.group(1)) if found else None


def parsing(rounds: int = 2000) -> float:
    """Microseconds to make one Observation, headers included, from the generator's bytes."""
    headers = [["server", "envoy"], ["x-envoy-upstream-service-time", "1"]]
    row = ["abc-1f", 0, 0, 1.234567, 0.000321, 200, "helloworld-v1-0", "default/helloworld-v1", "", 45, headers, ""]
    chunk = (json.dumps(row, separators=(",", ":")).encode() + b"\n") * 64
    began = time.process_time()
    for _ in range(rounds):
        for fields in wire.rows(chunk):
            fields[10] = tuple(map(tuple, fields[10]))
            Observation(*fields)
    return (time.process_time() - began) / rounds / 64 * 1e6


async def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, timeouts = Path(name), Timeouts()
        began = time.perf_counter()
        generator = await Generator.start("steady", Vantage(), folder / "locust.log", timeouts)
        probe = await Probe.start("helloworld-v1-0", HELLOWORLD, folder / "workload.log", timeouts)
        listening = time.perf_counter() - began
        port = probe.ports[5000]
        await generator.begin(Load("steady", "GET http://helloworld:5000/hello"), {}, "warm-")
        await generator.finish()
        print(f"workload listens after {listening:.2f} s, Locust is ready after {time.perf_counter() - began:.2f} s")
        reference = await wrk(port, seconds)
        print(f"wrk: {reference:.0f} requests/s" if reference else "wrk is not installed: no ratio")
        for window in (100, 200, 1000):
            rate, cost, beyond = await locust(port, window, seconds, generator)
            ratio = f", {rate / reference:.2f} of wrk" if reference else ""
            print(
                f"locust, window {window}: {rate:.0f} requests/s{ratio}; harness {cost:.1f} µs each; overshoot {beyond}"
            )
        print(f"an Observation from its bytes: {parsing():.1f} µs")
        await generator.close()
        await spread(port, seconds, folder, timeouts)
        await probe.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    asyncio.run(main(parser.parse_args().seconds))
