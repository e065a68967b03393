"""How long `meshproof explain` and `meshproof diff` take, as multiples of `meshproof --version`."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from folder import text
from table import Row, show

REQUEST = "http://service-3.team-3/x"
UNKNOWN = "http://service-3/x"
SIZES = (40, 1000)
SHOP, ASKED = Path(__file__).parents[2] / "examples" / "shop", "http://catalog.shop/"


def seconds(words: Sequence[str]) -> tuple[float, float]:
    """From the start of a process to its end, and what it itself took of a processor."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    ended = subprocess.run([sys.executable, "-m", "meshproof", *words], capture_output=True)
    took = time.perf_counter() - began
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.stderr.decode())
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def measure(runs: int) -> Sequence[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        files = {size: Path(name) / f"{size}.yaml" for size in SIZES}
        for size, file in files.items():
            file.write_text(text(size))
        other = Path(name) / "other.yaml"
        other.write_text(text(1000).replace("weight: 90", "weight: 80", 1).replace("weight: 10", "weight: 20", 1))
        ways = {
            "meshproof --version": ["--version"],
            **{f"explain, {size:,} Services": ["explain", "-f", str(file), REQUEST] for size, file in files.items()},
            "explain, 1,000 Services, nobody answers": ["explain", "-f", str(files[1000]), UNKNOWN],
            "diff, 1,000 Services, one changed": ["diff", str(files[1000]), str(other)],
            "explain, examples/shop": ["explain", "-f", str(SHOP), ASKED],
        }
        # In turns, so that what else the machine does meets all of them.
        every = [[seconds(words) for words in ways.values()] for _ in range(runs)]
    columns = list(zip(*every, strict=True))
    middle = [median(took for took, _ in column) for column in columns]
    rows.append(Row("meshproof --version", middle[0], "s"))
    for what, took, aim in zip(list(ways)[1:], middle[1:], (1.5, None, None, None, None), strict=True):
        rows.append(Row(f"{what}, of that", took / middle[0], "×", aim, note=f"{took:.3f} s"))
    # What else the machine does tells less in the time of a processor.
    base, shop = (median(own for _, own in column) for column in (columns[0], columns[-1]))
    rows.append(Row("explain, examples/shop, processor time of that", shop / base, "×", 1.5, note=f"{shop:.3f} s"))
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args(words).runs
    show(f"explaining: medians of {runs} runs", measure(runs))


if __name__ == "__main__":
    main()
