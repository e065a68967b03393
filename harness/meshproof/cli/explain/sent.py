"""The request sent through a real Envoy, and what happened beside what was predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshproof.cli.execute import carried_out
from meshproof.explain.explained import explain
from meshproof.explain.explanation import Explanation
from meshproof.explain.folder import Asked
from meshproof.explain.wording import percent
from meshproof.language.words import ENGLISH, Words
from meshproof.run.explaining.happened import Happened, Row, happened
from meshproof.run.explaining.sending import Several, send
from meshproof.targets.embedded.target import EmbeddedTarget


def sent(asked: Asked, count: int, words: Words) -> tuple[Explanation, Happened]:
    """The explanation, and what became of so many requests; raises TargetError."""
    target = EmbeddedTarget()
    target.preflight()
    limits = tuple(target.unsupported(asked.built.mesh))
    found = explain(asked.built, asked.request, asked.source, limits, words)
    (outcome,) = carried_out(send(target, asked.built, [Several(asked.request, count)], asked.source))
    return found, happened(found.expectation, outcome, words)


def lines(found: Happened, words: Words = ENGLISH) -> Iterator[str]:
    """For people."""
    yield ""
    times = f"{found.sent:,}"
    yield (
        words("sent {n} times through Envoy: as predicted", n=times)
        if found.agrees
        else words("sent {n} times through Envoy: NOT as predicted", n=times)
    )
    yield words("  predicted  happened")
    for row in (*found.rows, *found.copies):
        share = "–" if row.share is None else percent(row.share)
        statuses = ", ".join(f"{count:,} × {status}" for status, count in row.statuses if status)
        note = "" if row.agrees else words("  ← not so")
        yield f"  {share:>9}  {row.count:>8,}  {row.what}{f'  ({statuses})' if statuses else ''}{note}"
    if found.note:
        yield "  " + words("shares are not compared: {why}", why=found.note)
    if found.flags:
        yield "  " + words("response flags, by Envoy's own counters")
        for flag in found.flags:
            yield f"    {flag.name:3} × {flag.count:,}  {words(flag.meaning)}    {flag.counter}"


def happened_document(found: Happened) -> dict[str, Any]:
    """For programs."""
    return {
        "count": found.sent,
        "asPredicted": found.agrees,
        "note": found.note,
        "outcomes": [_row(one) for one in found.rows],
        "copies": [_row(one) for one in found.copies],
        "responseFlags": [
            {"flag": one.name, "meaning": one.meaning, "count": one.count, "counter": one.counter}
            for one in found.flags
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    statuses = {str(status): count for status, count in row.statuses}
    return {"what": row.what, "share": row.share, "count": row.count, "asPredicted": row.agrees, "statuses": statuses}
