"""What is known of one request by which something unread, or not modelled, can touch it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.request import Request
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.visibility import alias
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one request by which it can be touched; `pods` are (namespace, labels), the client first.

    It is `sent`, or copied, to these hosts. With `any_host` what is said of any host of its gateway touches it: rules
    for connections are found by no name.
    """

    asked: frozenset[str]
    called: frozenset[tuple[str, int]]
    gateway: str
    port: int
    rules: frozenset[Location]
    client: tuple[str, Labels]
    pods: tuple[tuple[str, Labels], ...]
    words: frozenset[str]
    decided: Location | None = None
    expectation: Expectation | None = None
    any_host: bool = False
    sent: frozenset[str] = frozenset()


def facts(mesh: Mesh, expectation: Expectation, source: Source = DEFAULT_CLIENT) -> Facts:
    """The facts of a request that a workload sends, or that enters by a gateway."""
    request = expectation.request
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    entered = mesh.pods_of(gateway) if gateway else (ROOT_NAMESPACE, {})
    client = entered if request.gateway else (source.namespace, source.labels)
    meant = None if request.gateway else asked_service(mesh, request, source.namespace)
    targets: tuple[Arm | Copy, ...] = (*expectation.arms, *expectation.copies)
    called = {(one.host, one.port) for one in targets if one.host}
    asked = {request.domain} | ({meant.host} if meant else set())
    if not request.gateway and (known := alias(mesh, request.domain, source.namespace)):
        asked.add(known.host)
    hosts = {host for host, _ in called} | asked
    behind = [mesh.workload(key) for one in targets for key in sorted(one.workloads)]
    return Facts(
        frozenset(asked),
        frozenset(called | {(host, request.port) for host in asked}),
        gateway.called if gateway else request.gateway or MESH_GATEWAY,
        request.port,
        frozenset(expectation.looked_at),
        client,
        (client, *((one.namespace, one.labels) for one in behind if one)),
        frozenset(_words(hosts, request)),
        expectation.route,
        expectation,
        request.is_tcp and bool(request.gateway),
        frozenset(host for host, _ in called),
    )


def _words(hosts: Iterable[str], request: Request) -> Iterator[str]:
    for host in hosts:
        yield host
        yield host.partition(".")[0]
    yield from request.gateway.split("/")
