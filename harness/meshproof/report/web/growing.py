"""Prints the report of a run that is under way: `python -m meshproof.report.web.growing RUN LANGUAGE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from meshproof.language.words import words
from meshproof.report.html.page import render
from meshproof.report.log import replay
from meshproof.report.record import gather
from meshproof.report.run_folder import EVENTS

NICE = 10


def main(folder: Path, language: str) -> None:
    # The load and its judgement come first.
    os.nice(NICE)
    record = gather(replay(folder / EVENTS))
    page = render(record, under_way=record.finished is None, words=words(language))
    sys.stdout.buffer.write(page.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
