"""A rule for which requests are looked for."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute, VirtualService
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import Address, addresses
from meshproof.mesh.requests.matching import requests_of
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Sought:
    """A rule of a VirtualService, the client whose requests are looked for, and what that brings to handshakes."""

    mesh: Mesh
    virtual_service: VirtualService
    route: HttpRoute
    client: Source
    tls: Tls | None = None

    def addresses(self, gateway: str) -> Iterator[Address]:
        """Where one of its gateways serves its hosts."""
        return addresses(self.mesh, self.virtual_service, gateway, self.client.namespace, self.tls)

    def tries(self, gateway: str) -> Iterator[Request]:
        """Requests by one of its gateways that meet its conditions, whichever rule takes them."""
        for address in self.addresses(gateway):
            for match in self.route.matches or (None,):
                yield from requests_of(self.mesh, self.route, match, address)

    def expectation(self, request: Request) -> Expectation:
        """What must become of a request of its client."""
        return predict(self.mesh, request, self.client)
