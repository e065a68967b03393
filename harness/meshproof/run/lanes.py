"""Which scenarios of a run are driven side by side.

A lane drives one after another. On this machine meshes are separate from each other anyway; in a cluster they are so
in namespaces of their own, of which each lane has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from meshproof.run.prepare import Prepared
from meshproof.targets.base import LaneTarget, Target

BUSY_LANES = 2
WAITING_LANES = 8

Run = Callable[[Prepared], Awaitable[object]]
Suits = Callable[[Prepared], bool]


async def side_by_side(work: Sequence[Prepared], run: Run, target: Target) -> None:
    """Drive them all: as many at a time as the target has lanes, and those that mostly wait beside the others."""
    rest = list(work)
    async with asyncio.TaskGroup() as group:
        for number, wanted in enumerate(_wanted(target)):
            if rest:
                namespace = target.lane if isinstance(target, LaneTarget) else None
                group.create_task(_lane(rest, wanted, run, number, namespace))


def _wanted(target: Target) -> list[tuple[Suits, ...]]:
    """What each lane takes first, and what when there is no more of that.

    A further lane is opened only for what it takes first: making a namespace ready takes longer than most scenarios.
    What enters by a gateway is driven alone: all of a cluster's scenarios enter by the same gateways.
    """
    if not isinstance(target, LaneTarget):
        return [*((_busy,) for _ in range(BUSY_LANES)), *((_mostly_waits,) for _ in range(WAITING_LANES))]
    lanes: list[tuple[Suits, ...]] = [(_bound, _busy, _mostly_waits)]
    lanes += [(_free(_busy), _free(_mostly_waits)) for _ in range(1, BUSY_LANES)]
    lanes += [(_free(_mostly_waits), _free(_busy)) for _ in range(BUSY_LANES, target.lanes)]
    return lanes[: target.lanes]


async def _lane(
    rest: list[Prepared],
    wanted: Sequence[Suits],
    run: Run,
    number: int,
    namespace: Callable[[int], Awaitable[str]] | None,
) -> None:
    before: Prepared | None = None
    while (one := _next(rest, wanted if before or not number else wanted[:1], before)) is not None:
        rest.remove(one)
        # Asked for only now: a lane that nothing is left for needs no namespace.
        own = await namespace(number) if namespace else one.client.namespace
        await run(one if one.moved is None or own == one.client.namespace else one.moved(own))
        before = one


def _next(rest: Sequence[Prepared], wanted: Sequence[Suits], before: Prepared | None) -> Prepared | None:
    """Of what suits best the one with most files of the one before: what is unchanged need not be made again."""
    for suits in wanted:
        if found := [one for one in rest if suits(one)]:
            return max(found, key=lambda one: len(set(one.files) & set(before.files if before else ())))
    return None


def _mostly_waits(one: Prepared) -> bool:
    return one.mostly_waits


def _busy(one: Prepared) -> bool:
    return not one.mostly_waits


def _bound(one: Prepared) -> bool:
    """Whether it cannot stand in just any namespace beside others."""
    return one.moved is None or any(stage.mesh.gateways for stage in one.stages)


def _free(suits: Suits) -> Suits:
    return lambda one: suits(one) and not _bound(one)
