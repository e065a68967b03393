"""Who is known to be let in by pods is let in by their sidecars, as a real istiod and real Envoys have them.

On meshes drawn at random, with policies of all actions, PeerAuthentications and rules: by every client and as it is
sent. MESHPROOF_ISTIOD_MESHES says how many, MESHPROOF_ISTIOD_SEED the first of the numbers by which they are drawn,
MESHPROOF_ISTIOD_RECORD where all is kept: let_in.jsonl.gz was made so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from driven import Case, case, driven
from known import LET_IN, Outcome, write, wrong
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.istiod.program import program, version
from meshproof.envoy.process import process
from sidecars import Authority
from sides import of_istiod

pytestmark = pytest.mark.skipif(
    not os.environ.get("MESHPROOF_ISTIOD_AGREEMENT"), reason="needs Go and minutes: tox -e istiod"
)
MESHES = int(os.environ.get("MESHPROOF_ISTIOD_MESHES", "300"))
FIRST = 1000 * int(os.environ.get("MESHPROOF_ISTIOD_SEED", "1"))
# What is known of requests, at the least: most conditions that are drawn are odd ones.
KNOWN = 0.7


async def outcomes(folder: Path, istiod: list[str]) -> list[tuple[Case, list[Outcome]]]:
    several = [case(number) for number in range(FIRST, FIRST + MESHES)]
    timeouts = replace(Timeouts(), config_acknowledged=10.0)
    authority, found = Authority(), []
    answers = of_istiod(istiod, [one.asked for one in several], folder)
    async with AdsServer(folder / "ads.sock", timeouts) as ads:
        server = await process.start("server", folder / "server", ads, timeouts)
        client = await process.start("client", folder / "client", ads, timeouts)
        try:
            for one, answer in zip(several, answers, strict=True):
                found.append((one, await driven(one, answer, server, client, authority)))
        finally:
            await server.stop()
            await client.stop()
    return found


def test_who_is_known_to_be_let_in_is_let_in() -> None:
    istiod = [str(asyncio.run(program(Timeouts())))]
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    try:
        several = asyncio.run(outcomes(folder, istiod))
    finally:
        shutil.rmtree(folder)
    if path := os.environ.get("MESHPROOF_ISTIOD_RECORD"):
        write(Path(path), ((one.objects, sent) for one, sent in several if sent))
    found = [one for _, sent in several for one in sent]
    counts = Counter(one.predicted for one in found)
    print(
        f"\nistiod {version()}: {len(found)} requests in {MESHES} meshes; let in {counts[True]}, refused "
        f"{counts[False]}, not known {counts[None]} ({counts[None] / len(found):.1%})",
        file=sys.stderr,
    )
    assert [(one.number, each) for one, sent in several for each in wrong(sent)] == []
    assert 1 - counts[None] / len(found) > KNOWN
    assert {True, False} <= {one.real == LET_IN for one in found if one.predicted is None}
