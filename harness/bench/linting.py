"""Lint of folders as companies have them, beside reading and building alone; and whether it grows with the folder.

Processor time, the best of several rounds. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from folder import text
from meshproof.lint.lint import lint
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from table import Row, show

SMALL, LARGE = 1000, 4000


def seconds(rounds: int, action: Callable[[], object]) -> float:
    """The least processor time of several rounds."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        action()
        taken.append(time.process_time() - began)
    return min(taken)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args(words).rounds
    took: dict[int, float] = {}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        for services in (SMALL, LARGE):
            file = Path(place) / f"{services}.yaml"
            file.write_text(text(services))
            alone = seconds(rounds, lambda file=file: build_all(load([str(file)])))
            took[services] = seconds(rounds, lambda file=file: lint([str(file)]))
            rows.append(Row(f"{services} Services: load and build", alone, "s"))
            rows.append(Row(f"{services} Services: lint, of which that is a part", took[services], "s"))
            rows.append(Row(f"{services} Services: lint beside load and build", took[services] / alone, "", 2.0))
    growth = took[LARGE] / took[SMALL] / (LARGE / SMALL)
    rows.append(Row("lint of four times the folder, beside four times the time", growth, "", 1.3))
    show("lint", rows)


if __name__ == "__main__":
    main()
