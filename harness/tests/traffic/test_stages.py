"""A stage's tag is the configuration under which a request was sent, and none is answered under another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.traffic.generator.assignment import Assignment
from meshproof.traffic.generator.prepared import plain


def test_once_a_stage_is_in_force_nothing_of_an_earlier_one_arrives(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=8))
            seen: list[Observation] = []
            generator.grant(0, 100)
            batches = generator.observations()

            async def more(count: int) -> None:
                wanted = len(seen) + count
                async for batch in batches:
                    seen.extend(batch)
                    generator.grant(0, len(seen) + 100)
                    if len(seen) >= wanted:
                        return

            for stage in (-1, 1, -2, 2):
                await more(150)
                await generator.stage(stage)
                await probe.open()
            await more(150)
            seen += await here.rest(generator)
            stages = [o.stage for o in sorted(seen, key=lambda o: int(o.id[2:], 16))]
            order = [0, -1, 1, -2, 2]
            assert [order.index(stage) for stage in stages] == sorted(order.index(stage) for stage in stages)
            tags = {o.id: o.stage for o in seen}
            assert {tags[r.id] for r in (await probe.books()).requests} == {2}
            # Of 150 that are waited for, 100 may have been sent before the stage was.
            assert all(stages.count(stage) >= 50 for stage in order)

    asyncio.run(run())


def test_a_stage_waits_for_what_is_under_way_but_tags_at_once(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("steady", "GET http://echo/a", users=2))
            await probe.hold()
            generator.grant(0, 1)
            assert await probe.held(1, within=2.0) == 1
            entering = asyncio.ensure_future(generator.stage(-1))
            # The other user sends under the new stage while the first still waits under the old.
            await asyncio.sleep(0)
            generator.grant(0, 2)
            assert await probe.held(2, within=2.0) == 2
            assert not entering.done()
            await probe.release()
            await entering
            seen = await here.collect(generator, 2) + await here.rest(generator)
            assert sorted(o.stage for o in seen) == [-1, 0]

    asyncio.run(run())


def test_a_stage_settles_once() -> None:
    assignment = Assignment([plain("http://a/")])
    assignment.grant(0, 10)
    old = assignment.take()
    assignment.enter(1)
    new = assignment.take()
    assert assignment.settled() is None
    assignment.answered(old)
    assert assignment.settled() == 1
    assert assignment.settled() is None
    assignment.answered(new)
    assert assignment.under_way == 0
