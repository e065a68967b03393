"""A gateway's proxy asked through a forwarded port; the pod is a stand-in that answers as Envoy's admin page does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.targets.istio.proxy.forwarded import ForwardedSidecar
from meshproof.targets.kube.kubectl import Kubectl

Forwarding = Callable[..., None]
COUNTERS = "cluster.outbound|80||a.default.svc.cluster.local;.upstream_rq_total: 12\nhttp.ingress.rq: 3\n"
PAGES = {"stats?type=Counters": COUNTERS, "ready": "LIVE\n", "config_dump?include_eds": '{"configs": []}'}


async def admin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = (await reader.readuntil(b"\r\n\r\n")).split()
    page = PAGES.get(line[1].decode().removeprefix("/"))
    status, body = ("200 OK", page) if page is not None else ("404 Not Found", "invalid path")
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
    await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def asked(bench: Any, forward: Any, **limits: float) -> ForwardedSidecar:
    return ForwardedSidecar(Kubectl("kubectl", (), "lab"), "ingress-1", Timeouts(**limits), forward)


def test_its_admin_pages_are_those_of_the_pod(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(admin) as port, bench.forward(port) as forward:
            proxy = asked(bench, forward)
            await proxy.ready()
            assert await proxy.config_dump() == {"configs": []}
            name = "cluster.outbound|80||a.default.svc.cluster.local.upstream_rq_total"
            assert await proxy.counters() == {name: 12, "http.ingress.rq": 3}
            with pytest.raises(TargetError, match="the proxy of ingress-1 answers 404 to clusters"):
                await proxy.hosts({})

    forwarding(body)


def test_a_proxy_that_does_not_answer_ends_within_the_limit(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(silent) as port, bench.forward(port) as forward:
            with pytest.raises(TargetError, match="the proxy of ingress-1 does not answer ready"):
                await asked(bench, forward, kube_command=0.3).ready()

    forwarding(body)


def test_a_failed_forward_is_reported_with_the_clusters_error(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(admin) as port, bench.forward(port) as forward:
            bench.server.words = "sandbox is not running"
            with pytest.raises(TargetError, match="forwarding a local port to pod istio-system/one") as caught:
                await asked(bench, forward).ready()
            assert "sandbox is not running" in caught.value.detail

    forwarding(body)
