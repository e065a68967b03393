"""Rows of measurements, printed beside what is aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `aim` is None for a part of another figure; `note` is what a reader must know of it."""

    what: str
    measured: float
    unit: str = ""
    aim: float | None = None
    at_least: bool = False
    note: str = ""


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows with the ratio of measured to aimed at; nothing is asserted."""
    print(f"\n{title}")
    for row in rows:
        text = f"  {row.what:58} {row.measured:9.3f} {row.unit:3}"
        if row.aim is not None:
            bound = "≥" if row.at_least else "≤"
            text += f"  aim {bound} {row.aim:g}  ratio {row.measured / row.aim:.2f}"
        print(f"{text}  {row.note}".rstrip(), flush=True)
