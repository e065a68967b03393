"""The gateways of a cluster behind forwarded ports: one for each server, kept as long as it works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.targets.cluster.gateways import Gateways
from meshproof.targets.cluster.mesh.mesh import KubeMesh
from meshproof.targets.kube.kubectl import Kubectl

Forwarding = Callable[..., None]
LABELS = {"istio": "ingressgateway"}
POD = {
    "metadata": {"name": "ingress-1", "namespace": "istio-system", "labels": LABELS},
    "spec": {"containers": []},
    "status": {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "True"}]},
}
SERVICE = {
    "metadata": {"name": "ingress"},
    "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}, {"port": 443, "targetPort": 8443}]},
}
GONE = (404, {"kind": "Status", "reason": "NotFound", "message": 'pods "ingress-1" not found'})


class Objects:
    async def list(self, api_version: str, kind: str, namespace: str, labels: str = "") -> list[Any]:
        return [POD] if kind == "Pod" else [SERVICE]


def gateways(bench: Any) -> Gateways:
    api = ApiClient(Configuration(host=bench.server.url))
    return Gateways(SimpleNamespace(api=api, objects=Objects(), kubectl=Kubectl("kubectl", (), "lab")), Timeouts())


def mesh(*ports: int) -> Any:
    servers = [SimpleNamespace(port=port) for port in ports]
    started = SimpleNamespace(key="run/edge/http", selector=LABELS, servers=servers, listener="http", is_written=False)
    return SimpleNamespace(
        gateways=[
            SimpleNamespace(key="run/gateway", selector=LABELS, servers=servers, listener="", is_written=True),
            started,
        ]
    )


async def asked(there: Gateways, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(*there.outside("run/gateway", port))
    try:
        return await reader.read()
    finally:
        writer.close()


def telling(word: bytes) -> Callable[..., Any]:
    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(word)

    return tell


def test_each_server_has_a_port_that_leads_to_its_listener(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(telling(b"plain")) as plain, bench.pod(telling(b"secure")) as secure:
            bench.server.leads = {"ingress-1:8080": plain, "ingress-1:8443": secure}
            there = gateways(bench)
            await there.find(mesh(80))
            await there.forward()
            before = there.outside("run/gateway", 80)
            # Pods that the cluster starts for a Gateway are not entered.
            assert (there.serves("run/gateway", 80), there.serves("run/edge/http", 80)) == (True, False)
            # The next mesh uses the first port again, and gets a second one.
            await there.renew()
            await there.find(mesh(80, 443))
            await there.forward()
            assert there.outside("run/gateway", 80) == before
            assert (await asked(there, 80), await asked(there, 443)) == (b"plain", b"secure")
            assert there.failure is None
            await there.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*before)

    forwarding(body)


def test_a_port_that_fails_is_reported_and_opened_again_for_the_next_mesh(forwarding: Forwarding) -> None:
    async def body(bench: Any) -> None:
        async with bench.pod(telling(b"plain")) as plain:
            bench.server.leads = {"ingress-1:8080": plain}
            there = gateways(bench)
            await there.find(mesh(80))
            await there.forward()
            bench.server.refuse = GONE
            with pytest.raises(ConnectionResetError):
                await asked(there, 80)
            assert there.failure is not None
            assert there.failure.message == ("forwarding a local port to pod istio-system/ingress-1:8080: not found")
            assert "get pod ingress-1 -o wide" in there.failure.detail
            bench.server.refuse = None
            await there.renew()
            await there.forward()
            assert await asked(there, 80) == b"plain"
            assert there.failure is None
            await there.close()

    forwarding(body)


def test_a_gateway_that_cannot_be_entered_ends_the_scenario() -> None:
    """Both while the load runs, and before anything is judged."""
    failure = TargetError("forwarding a local port to pod istio-system/ingress-1:8080: not found")
    place: Any = SimpleNamespace(gateways=SimpleNamespace(failure=failure), timeouts=Timeouts(pods_watched=0.01))

    async def body() -> None:
        async with asyncio.timeout(10):
            for wait in (KubeMesh("one", place).watch, KubeMesh("one", place).check):
                with pytest.raises(TargetError) as caught:
                    await wait()
                assert caught.value is failure

    asyncio.run(body())
