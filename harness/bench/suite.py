"""How long all scenarios take, and where the time goes: seconds by phase, the longest scenarios, processor time.

Scenarios run beside each other, so that the parts add up to more than the whole; "beside each other" is how many
at a time on the average. What the earlier build has of them is run by both, in turns. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from earlier import COMMIT, earlier_build
from table import Row, show

LIMIT = 600.0
PHASES = {"mesh": "starting meshes", "generator": "waiting for Locust", "load": "driving", "verdict": "judging"}


def one_run(
    place: Path, words: Sequence[str], env: Mapping[str, str] = os.environ
) -> tuple[float, float, Sequence[Mapping[str, object]]]:
    """Seconds of a whole run, seconds of processor time in it, and its ScenarioFinished events."""
    argv = [sys.executable, "-m", "meshproof", "run", *words, "--output", str(place)]
    used, began = _used(), time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False, env=env, cwd=place.parent)
    # A busy machine made the earlier build fail a mesh that is right now and then.
    if done.returncode > 1:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    events = map(json.loads, (place / "events.ndjson").read_text().splitlines())
    finished = [event for event in events if event["event"] == "ScenarioFinished"]
    return time.perf_counter() - began, _used() - used, finished


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(words: Sequence[str]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        whole, processor, finished = one_run(Path(name) / "run", words)
    phases: Counter[str] = Counter()
    for event in finished:
        phases.update(event["phases"])  # type: ignore[arg-type]
    driven = [event for event in finished if event["phases"]]
    lasted = {str(event["scenario"]): float(event["seconds"]) for event in driven}  # type: ignore[arg-type]
    longest = sorted(lasted, key=lasted.__getitem__, reverse=True)[:10]
    return (
        Row("all scenarios, from process start to end", whole, "s", 25.0),
        Row("  processor time, everything that was started included", processor, "s"),
        Row("  scenarios beside each other, on the average", sum(lasted.values()) / whole),
        *(Row(f"  {text}, sum over all scenarios", phases[phase], "s") for phase, text in PHASES.items()),
        *(Row(f"    {name}", lasted[name], "s") for name in longest),
    )


def _shared(finished: Sequence[Mapping[str, object]]) -> Sequence[str]:
    """The scenarios of the earlier build that this one has by the same name."""
    argv = [sys.executable, "-m", "meshproof", "run", "--list"]
    listed = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=True).stdout
    known = {line.split(maxsplit=1)[0] for line in listed.splitlines() if line.strip()}
    # What needs a cluster or hosts is skipped, and has no phases.
    return [name for event in finished if event["phases"] and (name := str(event["scenario"])) in known]


def beside_earlier(rounds: int) -> Sequence[Row]:
    """The scenarios that the earlier build has, by it and by this one in turns."""
    names: Sequence[str] = ()
    ratios: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        env = earlier_build(Path(name, "earlier"))
        for number in range(rounds):
            then, used_then, finished = one_run(Path(name, f"then-{number}"), names, env)
            names = names or _shared(finished)
            now, used, _ = one_run(Path(name, f"now-{number}"), names)
            ratios.append((now / then, used / used_then))
    clock, processor = (median(several) for several in zip(*ratios, strict=True))
    return (
        Row(f"the {len(names)} scenarios of {COMMIT}: now / then, by the clock", clock, "", 0.5),
        Row("  processor time", processor, "", 0.5),
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="scenarios or folders (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="of the earlier build and this one")
    given = parser.parse_args(words)
    show("the scenarios", measure(given.scenarios))
    show("beside an earlier build", beside_earlier(given.rounds))


if __name__ == "__main__":
    main()
