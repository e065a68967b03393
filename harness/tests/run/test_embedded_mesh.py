"""An embedded mesh has the proxies that its requests enter by, and a Gateway that is removed refuses connections."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.request import Request
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.run.pacing.stalls import WATCH_LOG, Stalls
from meshproof.suite import folder
from meshproof.targets.base import LiveMesh, Nearby
from meshproof.targets.embedded.target import EmbeddedTarget
from meshproof.workload.probe import Probe

MANIFESTS = load([str(folder("scenarios") / "gateway" / name) for name in ("httpbin.yaml", "paths.yaml")]).resources
MESH = build(MANIFESTS).mesh
OUTSIDE = Request("GET", "httpbin.example.com", 80, "/status/200", gateway="default/httpbin-gateway")
INSIDE = Request("GET", "httpbin", 8000, "/status/200")


def on_a_mesh(requests: Sequence[Request], act: Callable[[LiveMesh], Awaitable[None]]) -> None:
    async def run() -> None:
        target = EmbeddedTarget()
        await target.up()
        try:
            live = target.mesh("test", requests)
            try:
                await live.apply(MESH, MANIFESTS)
                await act(live)
            finally:
                await live.close()
        finally:
            await target.down()

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize(
    ("requests", "proxies"),
    [
        ((OUTSIDE,), {"gateway-0"}),
        ((OUTSIDE, INSIDE), {"gateway-0", "sidecar"}),
        ((), {"gateway-0", "sidecar"}),
    ],
)
def test_only_proxies_that_requests_enter_by_are_started(
    requests: Sequence[Request], proxies: set[str], tmp_path: Path
) -> None:
    async def act(live: LiveMesh) -> None:
        await live.save_state(tmp_path)
        await live.at_rest()
        assert await live.counters()

    on_a_mesh(requests, act)
    assert {place.name.removeprefix("test-1-") for place in tmp_path.iterdir()} == proxies


def test_fifty_replicas_are_as_many_listeners_in_a_process_for_each_processor() -> None:
    (workload,) = MESH.workloads
    many = replace(MESH, workloads=(replace(workload, replicas=50),))

    async def act(live: LiveMesh) -> None:
        before = set(live.pods())
        assert len(before) == 1
        await live.apply(many, MANIFESTS)
        pods = [pod for pod in live.pods() if isinstance(pod, Probe)]
        assert [pod.pod for pod in pods] == [f"httpbin-{number}" for number in range(50)]
        assert len({pod.ports[80] for pod in pods}) == 50
        assert len({pod.pid for pod in pods}) == min(50, len(os.sched_getaffinity(0)))
        assert before.isdisjoint(pods)
        await live.check()

    on_a_mesh([OUTSIDE], act)


def test_a_gateway_that_is_removed_refuses_connections() -> None:
    async def act(live: LiveMesh) -> None:
        opened = dict(live.vantage([OUTSIDE]).resolve)[OUTSIDE.endpoint]
        with socket.create_connection(opened, 10):
            pass
        await live.apply(replace(MESH, gateways=()), MANIFESTS)
        assert dict(live.vantage([OUTSIDE]).resolve)[OUTSIDE.endpoint] == ("127.0.0.1", 0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(opened, 10)

    on_a_mesh([OUTSIDE], act)


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell how long it lets wait")
def test_a_workload_that_stands_still_alone_is_seen(tmp_path: Path) -> None:
    """Its proxy ends the request in its place: that is no fault of the mesh."""

    async def act(live: LiveMesh) -> None:
        (pod,) = (one for one in live.pods() if isinstance(one, Probe))
        assert isinstance(live, Nearby)
        stalls = await Stalls.watch(tmp_path / WATCH_LOG)
        try:
            stalls.attend(live.pids())
            began = time.perf_counter()
            os.kill(pod.pid, signal.SIGSTOP)
            try:
                while not stalls.waits([pod.pid], began):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            finally:
                os.kill(pod.pid, signal.SIGCONT)
        finally:
            await stalls.stop(1.0)

    on_a_mesh([OUTSIDE], act)
