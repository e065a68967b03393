"""Real Envoys, and pods that keep what reaches them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import differential_http2
from differential_manifests import CONTAINER_PORT, GATEWAY_LABELS
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.process import process
from meshproof.envoy.process.process import EnvoyProxy
from meshproof.envoy.translate import translate
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.called import addressed
from meshproof.traffic.generator.prepared import Prepared

Headers = tuple[tuple[str, str], ...]

CLIENT_LABELS = {"app": "client"}
SIDECAR = Proxy(namespace="default", labels=CLIENT_LABELS)
INGRESS = Proxy(Kind.GATEWAY, "istio-system", GATEWAY_LABELS)
ID = "x-meshproof-id"
POD = "x-pod"
# What every pod answers with, for rules to change.
ANSWERED: Headers = (("x-a", "pod"), ("x-b", "pod"), ("access-control-allow-origin", "pod"))
CLIENT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Seen:
    """A request as a pod got it."""

    workload: str
    method: str
    path: str
    authority: str
    headers: Headers


@dataclass(frozen=True)
class Answer:
    """What a client got; `seen` is what the pods got (none when a proxy answered)."""

    status: int
    headers: Headers
    body: str
    seen: tuple[Seen, ...]


def fields(lines: list[str]) -> Headers:
    return tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))


async def head(reader: asyncio.StreamReader) -> list[str]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    return text.split("\r\n")[:-2]


@dataclass(repr=False)
class Site:
    """`ports` are the local ports of the two proxies in force, by the service's (or the server's) port.

    `own` are those of the sidecar for the address of one service alone.
    """

    ads: AdsServer
    sidecar: EnvoyProxy
    ingress: EnvoyProxy
    stack: contextlib.AsyncExitStack
    local: dict[str, int] = field(default_factory=dict)
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    ports: dict[bool, dict[int, int]] = field(default_factory=dict)
    own: dict[tuple[str, int], int] = field(default_factory=dict)
    mesh: Mesh = field(default_factory=Mesh)
    namespace: str = SIDECAR.namespace
    numbers: count[int] = field(default_factory=count)

    async def put_on(self, mesh: Mesh, namespace: str = SIDECAR.namespace) -> None:
        """Start the pods that are missing and hand both proxies their configuration; the client is in `namespace`."""
        addresses = {}
        for workload in mesh.workloads:
            if workload.key not in self.local:
                server = await asyncio.start_server(self.answering(workload.key), "127.0.0.1", 0)
                self.stack.callback(server.close)
                self.local[workload.key] = server.sockets[0].getsockname()[1]
            here = {CONTAINER_PORT: ("127.0.0.1", self.local[workload.key])}
            addresses[workload.key] = tuple(
                Address(f"{workload.name}-{number}", here) for number in range(workload.replicas)
            )
        client = replace(SIDECAR, namespace=namespace)
        for gateway, envoy, proxy in ((False, self.sidecar, client), (True, self.ingress, INGRESS)):
            await envoy.apply(translate(mesh, proxy, addresses))
            self.ports[gateway] = await envoy.ports()
        opened = await self.sidecar.tcp_ports()
        self.own = {at: opened[name] for at, name in listener_by_address(mesh, client).items()}
        self.mesh, self.namespace = mesh, namespace

    def answering(self, workload: str) -> object:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    first, *rest = await head(reader)
                    method, path, _ = first.split(" ")
                    if method == "PRI":
                        await differential_http2.answer(
                            reader, writer, ((POD, workload), *ANSWERED), self.called(workload)
                        )
                        break
                    found = fields(rest)
                    ids = [value for name, value in found if name == ID]
                    authority = next(value for name, value in found if name == "host")
                    self.seen.setdefault(ids[0], []).append(Seen(workload, method, path, authority, found))
                    own = "".join(f"{name}: {value}\r\n" for name, value in ((POD, workload), *ANSWERED))
                    writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{own}\r\n".encode())
            writer.close()

        return answer

    def called(self, workload: str) -> Callable[[Headers], None]:
        def received(head: Headers) -> None:
            named = dict(head)
            found = tuple(pair for pair in head if not pair[0].startswith(":"))
            seen = Seen(workload, named[":method"], named[":path"], named[":authority"], found)
            self.seen.setdefault(named[ID], []).append(seen)

        return received

    def has_address(self, request: Request) -> bool:
        """Not where a headless Service has no pods, and no HTTP that may be sent to an address of another name."""
        service = addressed(self.mesh, request, self.namespace)
        ports = service.ports if service and service.headless else ()
        return not any(one.number == request.port and service and service.is_apart(one) for one in ports)

    async def ask(self, request: Request) -> Answer | None:
        """One request on a connection of its own; None where nothing listens."""
        called = request.host.lower().removesuffix(".")
        names = () if request.gateway else (called, called.partition(".")[2])
        own = next((self.own[one, request.port] for one in names if (one, request.port) in self.own), None)
        port = own or self.ports[bool(request.gateway)].get(request.port)
        if port is None or not (own or request.gateway or self.has_address(request)):
            return None
        number = str(next(self.numbers))
        rendered = Prepared(request.method, request.authority, request.path, request.headers, request.body, ("", 0))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if request.is_call:
                rendered = Prepared.call(request.authority, request.path, request.headers, request.body, ("", 0))
                async with asyncio.timeout(CLIENT_TIMEOUT):
                    status, found = await differential_http2.call(reader, writer, rendered, number)
                return Answer(status, found, "", tuple(self.seen.pop(number, ())))
            writer.write(rendered.before + number.encode() + rendered.after)
            async with asyncio.timeout(CLIENT_TIMEOUT):
                first, *rest = await head(reader)
                found = fields(rest)
                length = next((int(value) for name, value in found if name == "content-length"), 0)
                bodiless = request.method == "HEAD" or first.split()[1] in ("204", "304")
                body = await reader.readexactly(0 if bodiless else length)
        finally:
            writer.close()
        return Answer(int(first.split()[1]), found, body.decode(), tuple(self.seen.pop(number, ())))


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Site]:
    """The proxies with their control plane, in a folder of their own."""
    timeouts = replace(Timeouts(), config_acknowledged=CLIENT_TIMEOUT)
    async with contextlib.AsyncExitStack() as stack:
        ads = await stack.enter_async_context(AdsServer(folder / "ads.sock", timeouts))
        proxies = []
        for name in ("sidecar", "ingress"):
            proxies.append(await process.start(name, folder / name, ads, timeouts))
            stack.push_async_callback(proxies[-1].stop)
        yield Site(ads, proxies[0], proxies[1], stack)
