"""The changes shown on real Envoys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.cli.execute import carried_out
from meshproof.diff.comparison import Change
from meshproof.diff.render.lines import subject
from meshproof.diff.sides import Side
from meshproof.language.words import ENGLISH, Words
from meshproof.run.explaining.proving import COUNT, Proof, prove
from meshproof.targets.embedded.target import EmbeddedTarget


def proved(both: tuple[Side, Side], changes: Sequence[Change], namespace: str) -> list[Proof]:
    """What was seen of each; raises TargetError."""
    return carried_out(prove(EmbeddedTarget, both, changes, namespace))


def lines(proofs: Sequence[Proof], mark: str, words: Words = ENGLISH) -> Iterator[str]:
    """For people."""
    shown, every = f"{sum(one.shown for one in proofs):,}", f"{len(proofs):,}"
    yield ""
    yield words(
        "{shown} of {all} shown on real Envoys, by {n} requests to either side", shown=shown, all=every, n=COUNT
    )
    if mark.startswith("-"):
        yield ""
    for one in proofs:
        if not one.shown:
            which = subject(one.change, words)
            yield mark + words("not {about} of {which}: {why}", about=one.change.about, which=which, why=one.why)
