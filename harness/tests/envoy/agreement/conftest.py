"""Manifests put on a real sidecar and a real gateway, and requests sent to both as meshproof's client does."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from time import perf_counter
from typing import Any

import pytest
from meshproof.border.books import Received
from meshproof.border.expectation import Expectation, Headers
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.judge.answers.mismatch import mismatch
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_strictly
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.traffic import wire
from meshproof.traffic.generator.http2.client import Http2Client
from meshproof.traffic.generator.prepared import Prepared, prepare
from meshproof.traffic.generator.websocket_client import WebSocketClient
from meshproof.traffic.wire import HEADERS
from meshproof.workload.identity import Identity
from meshproof.workload.ledger import Ledger
from meshproof.workload.replica import Replica

HOST = "web.default.svc.cluster.local"
GATEWAY = "default/front"
INGRESS = Proxy(Kind.GATEWAY, "istio-system", {"istio": "ingressgateway"})
WAIT = 10.0
# Headers of answers to calls that tests look at.
KEPT = ("content-type", "grpc-message", "x-r", "x-one")


def deployment(version: str) -> str:
    labels = f"{{app: web, version: {version}}}"
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web-{version}}}
spec:
  selector: {{matchLabels: {labels}}}
  template:
    metadata: {{labels: {labels}}}
    spec: {{containers: [{{name: web, image: registry.example/web, ports: [{{containerPort: 8080}}]}}]}}
---"""


BEFORE = f"""
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{name: PROTOCOL, port: 80, targetPort: 8080}}]}}
---{deployment("v1")}{deployment("v2")}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: web}}
spec:
  host: web
  POLICY
  subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ["*"]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: web}}
spec:
  hosts: [{HOST}]
  gateways: [mesh, front]
  http:
"""


def mesh_of(http: str, protocol: str = "http", policy: str = "") -> Mesh:
    """The Service `web` with pods of v1 and v2, and these rules for it within the mesh and at the gateway `front`.

    Its port is named after the protocol; `policy` is its trafficPolicy.
    """
    named = BEFORE.replace("PROTOCOL", protocol or "any")
    whole = named.replace("POLICY", f"trafficPolicy: {{{policy}}}" if policy else "")
    return build_strictly(load(["-"], stdin=io.StringIO(whole + http))).mesh


@pytest.fixture(scope="session")
def at_both() -> Callable[..., list[Request]]:
    """The same request within the mesh and at the gateway."""

    def make(path: str, *headers: tuple[str, str], method: str = "GET", body: bytes = b"") -> list[Request]:
        return [Request(method, HOST, 80, path, headers, gateway=gateway, body=body) for gateway in ("", GATEWAY)]

    return make


@dataclass(frozen=True)
class Met:
    """What was predicted of a request, and what became of it; `received` are the pods' heads, one for each try."""

    expectation: Expectation
    observation: Observation
    received: tuple[Received, ...]

    @property
    def difference(self) -> str:
        """What did not come as predicted; empty where all did."""
        return mismatch(self.expectation, self.observation, self.received)

    @property
    def version(self) -> str:
        """Which version answered; the proxy's own status where none did."""
        return self.observation.pod.removeprefix("web-").removesuffix("-0") or str(self.observation.status)

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return dict(self.observation.headers).get(name)


async def stand_ins(place: Any, mesh: Mesh) -> dict[str, Ledger]:
    """meshproof's own stand-ins for all pods, in this process; their books by pod."""
    books: dict[str, Ledger] = {}
    for workload in mesh.workloads:
        pod = f"{workload.name}-0"
        identity = Identity(pod, workload.key, workload.image, workload.labels)
        replica = Replica(identity, [port.number for port in workload.ports])
        place.stack.callback(replica.close)
        local = await replica.open()
        books[pod] = replica.site.ledger
        at = {port.number: ("127.0.0.1", local[str(port.number)]) for port in workload.ports}
        place.addresses[workload.key] = (Address(pod, at),)
    return books


async def answered(reader: asyncio.StreamReader, one: Request) -> tuple[int, Headers, bytes]:
    """The final answer to a request: its status, headers and body."""
    while True:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        status = int(first.split(" ")[1])
        if status >= HTTPStatus.OK or status == HTTPStatus.SWITCHING_PROTOCOLS:
            break
    fields = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
    length = int(dict(fields).get("content-length", "0") or 0)
    return status, fields, await reader.readexactly(0 if one.method == "HEAD" else length)


def called(port: int, number: int, one: Request) -> tuple[int, Headers, bytes]:
    """The answer to a call of gRPC: its status, its head and trailers, and as many bytes as its body had."""
    client = Http2Client(("127.0.0.1", port), WAIT, [*KEPT, *HEADERS])
    request = Prepared.call(one.authority, one.path, one.headers, one.body, client.address)
    answer = client.send(request, str(number))
    client.close()
    assert not client.error, client.error
    stamp = {"x-meshproof-pod": answer.pod, "x-meshproof-workload": answer.workload}
    return answer.status, (*answer.headers, *stamp.items()), bytes(answer.size)


def opened_socket(port: int, number: int, one: Request) -> tuple[int, Headers, bytes]:
    """The answer to a handshake, after which a frame has gone there and back where it was taken up."""
    client = WebSocketClient(("127.0.0.1", port), WAIT, [*KEPT, *HEADERS, "sec-websocket-accept"])
    described = wire.start((one,), users=1, timeout=WAIT, resolve={one.endpoint: client.address}, ids="")
    answer = client.send(prepare(described["start"]["requests"][0]), str(number))
    client.close()
    assert not client.error, client.error
    stamp = {"x-meshproof-pod": answer.pod, "x-meshproof-workload": answer.workload}
    return answer.status, (*answer.headers, *stamp.items()), bytes(answer.size)


async def over_http1(port: int, number: int, one: Request) -> tuple[int, Headers, bytes]:
    """The answer to a request on a connection of its own."""
    prepared = Prepared(one.method, one.authority, one.path, one.headers, one.body, ("", 0))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(prepared.before + str(number).encode() + prepared.after)
    async with asyncio.timeout(WAIT):
        found = await answered(reader, one)
    writer.close()
    return found


async def met(mesh: Mesh, port: int, books: dict[str, Ledger], number: int, one: Request) -> Met:
    """One request as meshproof's client sends it."""
    began = perf_counter()
    if one.is_call:
        status, fields, body = await asyncio.to_thread(called, port, number, one)
    elif one.is_handshake:
        status, fields, body = await asyncio.to_thread(opened_socket, port, number, one)
    else:
        status, fields, body = await over_http1(port, number, one)
    latency = perf_counter() - began
    named = dict(fields)
    pod, workload = named.get("x-meshproof-pod", ""), named.get("x-meshproof-workload", "")
    digest = sha256(body).hexdigest()
    expectation = predict(mesh, one)
    due = {f"{key.rpartition('/')[2]}-0" for copy in expectation.copies if copy.share == 1 for key in copy.workloads}
    # A copy may reach its pod after the client has its answer.
    async with asyncio.timeout(WAIT):
        while not due <= {came.pod for came in received(books, number)}:  # noqa: ASYNC110 - a book tells nobody
            await asyncio.sleep(0.01)
    seen = tuple(received(books, number))
    observation = Observation(str(number), 0, 0, 0.0, latency, status, pod, workload, "", len(body), fields, digest)
    return Met(expectation, observation, seen)


def received(books: dict[str, Ledger], number: int) -> list[Received]:
    """What the pods' books have of a request."""
    return [
        Received(row[0], pod, *row[1:4], tuple(tuple(page["headers"][place]) for place in row[4]), *row[5:])
        for pod, book in books.items()
        for page in (book.page(0),)
        for row in page["requests"]
        if row[0] == str(number)
    ]


async def opened(mesh: Mesh, envoy: Any, proxy: Proxy) -> int:
    """Where the service is called; where its port says nothing of its protocol, it has a listener of its own."""
    name = listener_by_address(mesh, proxy).get((HOST, 80), "")
    return (await envoy.tcp_ports()).get(name) or (await envoy.ports())[80]


@pytest.fixture(scope="module")
def books(lasting_site: tuple[asyncio.Runner, Any]) -> dict[str, Ledger]:
    runner, place = lasting_site
    return runner.run(stand_ins(place, mesh_of("  - route: [{destination: {host: web}}]\n")))


@pytest.fixture(scope="module")
def proxies(lasting_site: tuple[asyncio.Runner, Any]) -> list[tuple[bool, Proxy, Any]]:
    """A sidecar and a gateway: whether it is the gateway, what is translated for, and the Envoy."""
    runner, place = lasting_site
    both = ((False, Proxy(), "client"), (True, INGRESS, "gateway"))
    return [(gateway, proxy, runner.run(place.envoy(name))) for gateway, proxy, name in both]


@pytest.fixture
def meet(
    lasting_site: tuple[asyncio.Runner, Any], proxies: list[tuple[bool, Proxy, Any]], books: dict[str, Ledger]
) -> Callable[..., list[Met]]:
    """Put rules on the proxies, send requests, and give what was predicted of each and what became of it."""
    runner, place = lasting_site

    def run(http: str, requests: Iterable[Request], **asked: str) -> list[Met]:
        mesh = mesh_of(http, **asked)

        async def scene() -> list[Met]:
            for book in books.values():
                book.open()
            ports = {}
            for gateway, proxy, envoy in proxies:
                await envoy.apply(translate(mesh, proxy, place.addresses))
                ports[gateway] = await opened(mesh, envoy, proxy)
            return [
                await met(mesh, ports[bool(one.gateway)], books, number, one) for number, one in enumerate(requests)
            ]

        return runner.run(scene())

    return run


@pytest.fixture
def within(site: Any) -> Callable[[str], contextlib.AbstractAsyncContextManager[int]]:
    """Where a client within the mesh calls `web`, which has these rules."""

    @contextlib.asynccontextmanager
    async def opened_within(http: str) -> AsyncIterator[int]:
        mesh = mesh_of(http)
        async with site() as place:
            await stand_ins(place, mesh)
            envoy = await place.envoy("client")
            await envoy.apply(translate(mesh, Proxy(), place.addresses))
            yield await opened(mesh, envoy, Proxy())

    return opened_within
