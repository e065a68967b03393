"""Where a load is sent from: this machine where all of it enters by gateways, else the clients' pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from meshproof.border.load import Vantage
from meshproof.border.request import Request
from meshproof.errors import UsageError
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.targets.cluster.gateways import Gateways
from meshproof.targets.cluster.mesh.names import NOWHERE, Json, address, service_of

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Inside:
    """What a client in `namespace` sees of a mesh: its Services by (namespace, name), and its pods."""

    mesh: Mesh
    namespace: str
    services: Mapping[tuple[str, str], Json | None]
    pods: Sequence[Json]

    def address(self, request: Request) -> Address:
        """Where a request that passes no gateway is connected to."""
        service = service_of(self.mesh, request.host, self.namespace)
        if service is None:
            return NOWHERE, request.port
        return address(self.services.get((service.namespace, service.name)), self.pods), request.port


def vantage(
    requests: Sequence[Request],
    gateways: Gateways,
    inside: Inside | None,
    clients: Callable[[], Vantage],
    workers: int = 0,
) -> Vantage:
    """Where these requests are sent from, and what each is connected to.

    `clients` gives where programs run in the clients' pods; `inside` is needed for requests that pass no gateway.
    Of `workers` that send from outside all are on this machine.
    """
    if sent_from_outside(requests, gateways):
        resolve = tuple((one.endpoint, gateways.outside(one.gateway, one.port)) for one in requests)
        return Vantage(resolve=resolve, workers=(Vantage(),) * workers)
    if _certified(requests):
        raise UsageError("a load with client certificates must enter by gateways alone: it is sent from outside")

    def to(request: Request) -> Address:
        if request.gateway:
            return gateways.inside(request.gateway, request.port)
        assert inside is not None, "apply() comes first"
        return inside.address(request)

    return replace(clients(), resolve=tuple((one.endpoint, to(one)) for one in requests))


def sent_from_outside(requests: Sequence[Request], gateways: Gateways) -> bool:
    """Whether all of these enter by gateways that have a server for them, or need the certificates of this machine."""
    known = _certified(requests) or all(gateways.serves(one.gateway, one.port) for one in requests)
    return known and all(one.gateway for one in requests)


def _certified(requests: Sequence[Request]) -> bool:
    """Whether any of these shows a client certificate."""
    return any(one.tls and (one.tls.cert or one.tls.key) for one in requests)
