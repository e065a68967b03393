"""Changes of requests shown on real Envoys: each side does what was predicted of it, and not what was of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.diff.behaviour import OUTCOME
from meshproof.diff.comparison import Change
from meshproof.diff.search import as_served
from meshproof.diff.sides import Side
from meshproof.mesh.model.mesh import grouped
from meshproof.mesh.predict.prediction import predict
from meshproof.run.explaining.happened import happened
from meshproof.run.explaining.sending import Sent, send
from meshproof.targets.base import Target

# What is seen by who answers, and with what status.
SEEN = (OUTCOME, "abort", "mirrors")
MOST = 24
COUNT = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """A change with what was seen of it; `shown` False: it was not, and `why` says what was seen instead."""

    change: Change
    shown: bool
    why: str = ""


async def prove(
    target: Callable[[], Target], sides: tuple[Side, Side], changes: Sequence[Change], namespace: str
) -> list[Proof]:
    """Send the first request of each change to a mesh of either side; raises TargetError."""
    proofs: dict[int, Proof] = {}
    chosen: list[tuple[Source, int]] = []
    for at, one in enumerate(changes):
        if one.about not in SEEN:
            proofs[at] = Proof(one, False, "plain requests do not show it: meshproof verify does")
        elif len(chosen) == MOST:
            proofs[at] = Proof(one, False, f"only the first {MOST} are tried")
        else:
            chosen.append((one.source or source(namespace), at))
    for client, several in grouped(chosen).items():
        seen = [await _seen(target(), side, [changes[at].requests[0] for at in several], client) for side in sides]
        for at, old, new in zip(several, *seen, strict=True):
            why = _why_not(old, new)
            proofs[at] = Proof(changes[at], not why, why)
    return [proofs[at] for at in range(len(changes))]


Seen = tuple[Expectation, Sent]


async def _seen(target: Target, side: Side, requests: Sequence[Request], client: Source) -> list[Seen]:
    own = [as_served(side.mesh, one) for one in requests]
    target.preflight()
    sent = await send(target, side.built, own, client, COUNT)
    expected = [predict(side.mesh, one, namespace=client.namespace, labels=client.labels) for one in own]
    return list(zip(expected, sent, strict=True))


def _why_not(old: Seen, new: Seen) -> str:
    for name, (expected, sent) in (("old", old), ("new", new)):
        found = happened(expected, sent)
        if not found.agrees:
            wrong = next(row for row in (*found.rows, *found.copies) if not row.agrees)
            return f"the {name} side does otherwise than predicted: {wrong.count:,} of {found.sent:,} {wrong.what}"
    if happened(new[0], old[1]).agrees or happened(old[0], new[1]).agrees:
        return f"{COUNT} requests do not tell the two sides apart"
    return ""
