"""How fast Locust is beside wrk when both go through the same Envoy, every response of Locust's recorded.

wrk (Debian's package of that name) gives the reference; where it is missing there is no ratio. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget
from meshproof.traffic.locust import Generator
from table import Row, show

# As many at once for both: with few of them the time goes into waking up.
LOAD = Load("steady", "GET http://helloworld:5000/hello", users=32)
WINDOW = 400


async def locust(generator: Generator, vantage: Vantage, seconds: float) -> float:
    """Requests per second whose observations this process has taken, with credit never exhausted."""
    await generator.begin(LOAD, vantage.resolve, "bench")
    count, ending = 0, False
    began = time.perf_counter()
    generator.grant(0, WINDOW)
    async for batch in generator.observations():
        count += len(batch)
        if time.perf_counter() - began < seconds:
            generator.grant(0, count + WINDOW)
        elif not ending:
            ending = True
            await generator.finish()
    return count / (time.perf_counter() - began)


async def wrk(program: str, port: int, seconds: float) -> float:
    """Requests per second of wrk with one thread and as many connections as Locust has users."""
    argv = [program, "-t1", f"-c{LOAD.users}", f"-d{max(1, round(seconds))}", "-H", "Host: helloworld:5000"]
    process = await asyncio.create_subprocess_exec(
        *argv, f"http://127.0.0.1:{port}/hello", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), seconds + 30)
    found = re.search(rb"Requests/sec:\s+([0-9.]+)", output)
    if found is None or b"Non-2xx" in output:
        raise SystemExit(f"{' '.join(argv)} did not measure: {output.decode()}")
    return float(found[1])


async def rates(rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Locust's and wrk's requests per second, measured alternately on one mesh; wrk's empty where it is missing."""
    program = shutil.which("wrk")
    place = folder("scenarios") / "canary"
    resources = load([str(place / name) for name in ("helloworld.yaml", "subsets.yaml", "weight-10.yaml")]).resources
    target = EmbeddedTarget(timeouts=Timeouts())
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        generator = await Generator.start("steady", Vantage(), Path(name) / "locust.log", Timeouts())
        try:
            await target.up()
            live = target.mesh("bench")
            try:
                await live.apply(build(resources).mesh, resources)
                vantage = live.vantage(LOAD.requests)
                for _ in range(rounds):
                    ours.append(await locust(generator, vantage, seconds))
                    if program:
                        theirs.append(await wrk(program, vantage.resolve[0][1][1], seconds))
            finally:
                await live.close()
        finally:
            await generator.close()
            await target.down()
    return ours, theirs


def measure(rounds: int, seconds: float) -> Sequence[Row]:
    ours, theirs = asyncio.run(rates(rounds, seconds))
    rows = [Row("Locust, requests each second", median(ours), note=f"{min(ours):.0f} to {max(ours):.0f}")]
    if theirs:
        rows.append(Row("wrk, requests each second", median(theirs), note=f"{min(theirs):.0f} to {max(theirs):.0f}"))
        ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
        rows.append(Row("Locust ÷ wrk", ratio, "", 0.9, at_least=True))
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    values = parser.parse_args(words)
    show(f"through one Envoy: medians of {values.rounds} rounds", measure(values.rounds, values.seconds))
    if shutil.which("wrk") is None:
        print("  wrk is not on PATH: no ratio")


if __name__ == "__main__":
    main()
