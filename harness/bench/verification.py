"""What `meshproof verify` costs: one named request beside a large folder, and all requests of folders that grow.

The earlier build verifies the same folder of 40 Services, which takes it a minute or more. `--large` adds 200 Services.
Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from earlier import COMMIT, earlier_build
from folder import documents
from table import Row, show

LIMIT = 1200.0
REQUEST = ("--request", "GET http://service-2.team-2/")
ENTERING = ("--request", "GET http://service-2.example.com/")


def written(folder: Path, services: int, *, gateways: bool = False) -> Path:
    """A folder of so many Services, each with a Gateway or without."""
    place = folder / f"{services}{'-entered' if gateways else ''}"
    place.mkdir(exist_ok=True)
    (place / "all.yaml").write_text("---\n".join(documents(services, gateways=gateways)))
    return place


def seconds(place: Path, *options: str, env: Mapping[str, str] = os.environ) -> tuple[float, int]:
    """How long a verification of a folder takes, and its exit code."""
    with tempfile.TemporaryDirectory() as kept:
        argv = [sys.executable, "-m", "meshproof", "verify", "-f", str(place), "--output", f"{kept}/run", *options]
        began = time.perf_counter()
        ended = subprocess.run(argv, check=False, timeout=LIMIT, capture_output=True, env=env, cwd=kept)
        return time.perf_counter() - began, ended.returncode


def named(folder: Path, runs: int) -> Sequence[Row]:
    """One canary by name in turns in a small and in a large folder."""
    rows = []
    for what, options, gateways in (
        ("one named canary", REQUEST, False),
        ("one beside a Gateway for each Service", REQUEST, True),
        ("one that enters by one of these Gateways", ENTERING, True),
    ):
        small, large = (written(folder, services, gateways=gateways) for services in (3, 1000))
        pairs = [(seconds(small, *options)[0], seconds(large, *options)[0]) for _ in range(runs)]
        few, many = (median(several) for several in zip(*pairs, strict=True))
        ratio = median(many / few for few, many in pairs)
        rows += [
            Row(f"{what}, 3 Services", few, "s"),
            Row("  the same among 1,000 Services", many, "s"),
            Row("  1,000 Services / 3 Services", ratio, "", 1.3),
        ]
    return rows


def guessed(folder: Path, counts: Sequence[int]) -> Sequence[Row]:
    """All requests of folders that grow, and what an earlier build takes for 40 Services."""
    taken: dict[int, float] = {}
    rows = []
    for count in counts:
        options = ("--thorough",) if count > 150 else ()
        taken[count], code = seconds(written(folder, count), *options)
        rows.append(Row(f"all requests of {count} Services", taken[count], "s", note=f"exit code {code}"))
    first, last = counts[0], counts[-1]
    growth = (taken[last] / taken[first]) / (last / first)
    rows.append(Row(f"growth from {first} to {last} Services / linear", growth, "", 1.0))
    before, code = seconds(written(folder, 40), env=earlier_build(folder / "earlier"))
    rows.append(Row(f"the same 40 Services at {COMMIT}", before, "s", note=f"exit code {code}"))
    rows.append(Row("before / now", before / taken[40], "", 8.0, at_least=True))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args(arguments)
    counts = (10, 40, 200) if given.large else (10, 40)
    with tempfile.TemporaryDirectory() as name:
        show("one named request", named(Path(name), given.runs))
        show("all requests of a folder", guessed(Path(name), counts))


if __name__ == "__main__":
    main()
