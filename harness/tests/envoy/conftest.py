"""A small mesh in the model's own terms, pods that answer, and a real Envoy in front of them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.process import process
from meshproof.envoy.process.process import EnvoyProxy
from meshproof.envoy.translate import translate
from meshproof.errors import Location
from meshproof.mesh.model.destination_rule import DestinationRule, Subset, TrafficPolicy
from meshproof.mesh.model.kubernetes import ContainerPort, Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import (
    Destination,
    HeaderChanges,
    HttpRoute,
    MatchKind,
    RouteDestination,
    RouteMatch,
    StringMatch,
    VirtualService,
)

HERE = Location("mesh.yaml", 1, 1)
HOST = "helloworld.default.svc.cluster.local"


@dataclass(frozen=True)
class Build:
    """Short ways to say the model; everything is about the service helloworld unless it is told otherwise."""

    here: Location = HERE
    host: str = HOST

    def service(self, name: str = "helloworld", port: int = 5000, protocol: str = "http") -> Service:
        ports = (ServicePort(port, protocol, port, protocol, HERE),)
        return Service(name, "default", ports, {"app": name}, HERE)

    def workload(self, version: str, name: str = "helloworld", port: int = 5000, replicas: int = 1) -> Workload:
        labels = {"app": name, "version": version}
        return Workload(f"{name}-{version}", "default", replicas, labels, "pod", (ContainerPort(port),), HERE)

    def to(self, subset: str = "", weight: int = 0, host: str = HOST, port: int | None = None) -> RouteDestination:
        return RouteDestination(Destination(host, subset, port, HERE), weight, HeaderChanges(), HERE)

    def route(self, *destinations: RouteDestination, matches: tuple[RouteMatch, ...] = ()) -> HttpRoute:
        return HttpRoute("", matches, destinations, HERE)

    def split(self, v1: int, v2: int) -> HttpRoute:
        return self.route(self.to("v1", v1), self.to("v2", v2))

    def uri(self, kind: str, value: str) -> RouteMatch:
        return RouteMatch(HERE, uri=StringMatch(MatchKind(kind), value, HERE))

    def virtual_service(
        self,
        *routes: HttpRoute,
        hosts: tuple[str, ...] = (HOST,),
        gateways: tuple[str, ...] = ("mesh",),
        name: str = "vs",
    ) -> VirtualService:
        return VirtualService(name, "default", hosts, gateways, routes, HERE)

    def rule(self, policy: TrafficPolicy | None = None, *subsets: Subset) -> DestinationRule:
        own = subsets or tuple(Subset(v, {"version": v}, TrafficPolicy(), HERE) for v in ("v1", "v2"))
        return DestinationRule("dr", "default", HOST, own, policy or TrafficPolicy(), HERE)

    def mesh(self, *routes: HttpRoute) -> Mesh:
        """helloworld with a pod of v1 and one of v2, subsets for both, and a VirtualService of these routes."""
        return Mesh(
            (self.service(),),
            (self.workload("v1"), self.workload("v2")),
            (self.virtual_service(*routes),) if routes else (),
            (self.rule(),),
        )


@pytest.fixture(scope="session")
def build() -> Build:
    return Build()


Reply = tuple[int, dict[str, str], str]


async def read_message(reader: asyncio.StreamReader) -> tuple[list[str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    length = next((int(line[15:]) for line in head if line.lower().startswith("content-length:")), 0)
    return [line for line in head if line], await reader.readexactly(length)


@dataclass
class Site:
    """Pods and Envoys of one test; `seen` holds the head of each request by the pod that got it."""

    folder: Path
    ads: AdsServer
    timeouts: Timeouts
    addresses: dict[str, tuple[Address, ...]] = field(default_factory=dict)
    seen: dict[str, list[list[str]]] = field(default_factory=dict)
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def pods(self, mesh: Mesh, status: int = 200) -> None:
        """Start what answers for each replica with the pod's name as body."""
        for workload in mesh.workloads:
            replicas = []
            for number in range(workload.replicas):
                pod = f"{workload.name}-{number}"
                server = await asyncio.start_server(self._answering(pod, status), "127.0.0.1", 0)
                self.stack.callback(server.close)
                local = server.sockets[0].getsockname()[1]
                replicas.append(Address(pod, {port.number: ("127.0.0.1", local) for port in workload.ports}))
            self.addresses[workload.key] = tuple(replicas)

    def _answering(self, pod: str, status: int) -> Callable[..., object]:
        heads = self.seen.setdefault(pod, [])

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head, _ = await read_message(reader)
                    heads.append(head)
                    writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(pod)}\r\n\r\n{pod}".encode())
            writer.close()

        return answer

    async def envoy(self, name: str = "client") -> EnvoyProxy:
        proxy = await process.start(name, self.folder / name, self.ads, self.timeouts)
        self.stack.push_async_callback(proxy.stop)
        return proxy

    async def serve(self, mesh: Mesh, proxy: Proxy | None = None) -> tuple[EnvoyProxy, dict[int, int]]:
        """Pods and one Envoy that routes to them; also its local ports."""
        await self.pods(mesh)
        envoy = await self.envoy()
        await envoy.apply(translate(mesh, proxy or Proxy(), self.addresses))
        return envoy, await envoy.ports()

    async def ask(
        self,
        port: int,
        path: str = "/",
        host: str = "helloworld:5000",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        **tls: object,
    ) -> Reply:
        """Status, headers (names in lower case) and body of one request on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)  # type: ignore[arg-type]
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        writer.write(f"{method} {path} HTTP/1.1\r\nhost: {host}\r\n{lines}connection: close\r\n\r\n".encode())
        # By length: after an answer of its own Envoy keeps the connection half open for a second.
        async with asyncio.timeout(10):
            (first, *rest), body = await read_message(reader)
        writer.close()
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        return int(first.split()[1]), fields, body.decode()


@contextlib.asynccontextmanager
async def opened(folder: Path, timeouts: Timeouts) -> AsyncIterator[Site]:
    async with AdsServer(folder / "ads.sock", timeouts) as ads:
        place = Site(folder, ads, timeouts)
        async with place.stack:
            yield place


@pytest.fixture(scope="session")
def timeouts() -> Timeouts:
    return replace(Timeouts(), config_acknowledged=8.0)


@pytest.fixture
def site(timeouts: Timeouts) -> Iterator[Callable[[], contextlib.AbstractAsyncContextManager[Site]]]:
    """`async with site() as s:` gives a Site with its control plane running; it leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    yield lambda: opened(folder, timeouts)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def lasting_site(timeouts: Timeouts) -> Iterator[tuple[asyncio.Runner, Site]]:
    """One Site for all tests of a module and its loop: its proxies take one configuration after another."""
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    with asyncio.Runner() as runner:
        kept = opened(folder, timeouts)
        place = runner.run(kept.__aenter__())
        try:
            yield runner, place
        finally:
            runner.run(kept.__aexit__(None, None, None))
    shutil.rmtree(folder)
