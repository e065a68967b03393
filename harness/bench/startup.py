"""From the start of the process to the canary verdict, and where the time goes. Medians; nothing is asserted.

The verdict counts from when its line is written on stderr, which is after the mesh was ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from meshproof.border.timeouts import Timeouts
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget
from table import Row, show

SCENARIO = "CanarySplit"
MANIFESTS = ("helloworld.yaml", "subsets.yaml", "weight-10.yaml")
LIMIT = 60.0


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def python(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)


def one_run(place: Path) -> dict[str, float]:
    """The parts of one run, in seconds, by name; `verdict line` and `whole` from the start of the process."""
    argv = [sys.executable, "-m", "meshproof", "run", SCENARIO, "-o", "json", "--output", str(place)]
    began = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    verdict_line = next((time.perf_counter() - began for line in process.stderr if line.startswith(SCENARIO)), None)
    output, rest = process.communicate(timeout=LIMIT)
    if verdict_line is None:
        raise SystemExit(f"{' '.join(argv)} gave no verdict: {rest}")
    scenario = json.loads(output)["scenarios"][0]
    parts = {"verdict line": verdict_line, "whole": time.perf_counter() - began, **scenario["phases"]}
    parts["rest"] = scenario["seconds"] - sum(scenario["phases"].values())
    parts["before"] = verdict_line - scenario["seconds"]
    return parts


async def mesh_ready() -> float:
    """Seconds until an embedded mesh serves the canary's configuration, the control plane's start included."""
    place = folder("scenarios") / "canary"
    resources = load([str(place / name) for name in MANIFESTS]).resources
    mesh = build(resources).mesh
    target = EmbeddedTarget(timeouts=Timeouts())
    began = time.perf_counter()
    try:
        await target.up()
        live = target.mesh("bench")
        try:
            await live.apply(mesh, resources)
            return time.perf_counter() - began
        finally:
            await live.close()
    finally:
        await target.down()


def measure(runs: int) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        every = [one_run(Path(name) / str(number)) for number in range(runs)]
    part = {key: median(one.get(key, 0.0) for one in every) for key in every[0]}
    bare = median(seconds(python("pass")) for _ in range(runs))
    imports = (
        median(seconds(python("import meshproof.cli.execute, meshproof.run.discover")) for _ in range(runs)) - bare
    )
    ready = median(asyncio.run(mesh_ready()) for _ in range(runs))
    return (
        Row("process start to the canary verdict", part["verdict line"], "s", 3.0),
        Row("  Python itself", bare, "s"),
        Row("  imports", imports, "s"),
        Row("  scenarios, manifests, control plane", part["before"] - bare - imports, "s"),
        Row("  mesh: workloads, Envoy, acknowledgement", part["mesh"], "s", note="while Locust starts beside it"),
        Row("  load until the verdict is in", part["load"], "s"),
        Row("  books and verdict", part["verdict"], "s"),
        Row("  waiting for Locust to listen, and ending the mesh", part["rest"], "s"),
        Row("process start to its end, reports written", part["whole"], "s"),
        Row("embedded mesh ready, nothing beside it", ready, "s", 0.5),
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args(words).runs
    show(f"startup: medians of {runs} runs", measure(runs))


if __name__ == "__main__":
    main()
