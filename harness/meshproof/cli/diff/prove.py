"""The changes shown on real Envoys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.cli.execute import carried_out
from meshproof.diff.comparison import Change
from meshproof.diff.render.lines import subject
from meshproof.diff.sides import Side
from meshproof.run.explaining.proving import COUNT, Proof, prove
from meshproof.targets.embedded.target import EmbeddedTarget


def proved(both: tuple[Side, Side], changes: Sequence[Change], namespace: str) -> list[Proof]:
    """What was seen of each; raises TargetError."""
    return carried_out(prove(EmbeddedTarget, both, changes, namespace))


def lines(proofs: Sequence[Proof], mark: str) -> Iterator[str]:
    """For people."""
    shown = sum(one.shown for one in proofs)
    yield ""
    yield f"{shown:,} of {len(proofs):,} shown on real Envoys, by {COUNT} requests to either side"
    if mark.startswith("-"):
        yield ""
    for one in proofs:
        if not one.shown:
            yield f"{mark}not {one.change.about} of {subject(one.change)}: {one.why}"
