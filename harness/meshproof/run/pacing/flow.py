"""The pacing of a steady load: every stage flows until its checks are decided, changes included."""

from __future__ import annotations

import asyncio

from meshproof.run.pacing.traffic import Traffic
from meshproof.scenario import Reconciling


async def flow(traffic: Traffic) -> None:
    """Drive all stages; a change of configuration is made under load."""
    for number in range(len(traffic.prepared.stages)):
        if traffic.feed.over:
            return
        if number:
            await traffic.enter(-number)
            await _changed(traffic, number)
            await traffic.enter(number)
        await _stage(traffic, number)


async def _changed(traffic: Traffic, number: int) -> None:
    """Apply a stage while credit keeps flowing."""
    change = asyncio.ensure_future(traffic.apply(number))
    change.add_done_callback(lambda _: traffic.wake())

    def done() -> bool:
        _extend(traffic)
        return change.done()

    try:
        await traffic.until(done)
        await change
    finally:
        change.cancel()


async def _stage(traffic: Traffic, number: int) -> None:
    while True:
        await traffic.until(lambda: not _extend(traffic))
        early = traffic.feed.examining
        waiting = [t for t in traffic.trials if isinstance(t, Reconciling) and t.stage in (None, number)]
        if not (waiting or early):
            return
        # Nothing is sent any more; copies may still be on their way.
        await traffic.idle()
        books = await traffic.live.books()
        for trial in () if early else waiting:
            trial.reconcile(books)
        traffic.feed.examine(books)
        if not _extend(traffic):
            return


def _extend(traffic: Traffic) -> bool:
    """Extend the credit of every request that a trial still wants; False when none does.

    While the generator still owes half of what it was granted last, it is not told each few more: messages cost both
    sides more than what is in them.
    """
    if traffic.half_used:
        traffic.extend(traffic.feed.further_grants())
        traffic.topped_up()
    return traffic.feed.wanting
