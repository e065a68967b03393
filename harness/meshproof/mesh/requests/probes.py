"""The table of probes: requests inside every rule, and just outside of it, derived from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, zip_longest

from meshproof.border.request import Request, Tls
from meshproof.manifest.resource import Notice
from meshproof.mesh.model.gateway import TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.mesh.predict.gateway_table import ENCRYPTED, Entry, entries
from meshproof.mesh.requests.addresses import Address, addresses, at
from meshproof.mesh.requests.boundaries import host_boundaries, rule_boundaries
from meshproof.mesh.requests.samples import MOST_TRIES, first_reaching, known_paths, requests_of

MOST = 200


def probes(
    mesh: Mesh, *, namespace: str = "default", tls: Tls | None = None
) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """Requests about the boundaries of every rule, host and server, in the manifests' order, at most 200.

    Of a specification with more, each rule and host keeps its first ones. `tls` is what the client
    brings to handshakes; without it, it trusts the certificate that a Gateway's Secret holds.
    """
    groups: list[list[Request]] = []
    for virtual_service in mesh.virtual_services:
        for gateway in virtual_service.gateways:
            served = list(addresses(mesh, virtual_service, gateway, namespace, tls))
            groups += _of_rules(mesh, virtual_service, served, namespace)
            groups += _of_hosts(mesh, virtual_service, served, namespace, tls)
    groups += _redirected(mesh, tls)
    return _bounded(mesh, _unique(groups))


def _unique(groups: Sequence[Sequence[Request]]) -> list[list[Request]]:
    """The same groups, each request only where it comes first."""
    taken: set[Request] = set()
    kept = []
    for group in groups:
        kept.append([one for one in dict.fromkeys(group) if one not in taken])
        taken.update(group)
    return kept


def _bounded(mesh: Mesh, groups: Sequence[Sequence[Request]]) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    whole = tuple(chain.from_iterable(groups))
    if len(whole) <= MOST:
        return whole, ()
    alternating = [one for row in zip_longest(*groups) for one in row if one is not None]
    kept = set(alternating[:MOST])
    where = (mesh.virtual_services or mesh.gateways)[0].location
    text = (
        f"{len(whole)} requests show the boundaries of all rules: {MOST} are sent, the first ones of each rule and host"
    )
    return tuple(one for one in whole if one in kept), (Notice(where, text),)


def _of_rules(
    mesh: Mesh, virtual_service: VirtualService, served: Sequence[Address], namespace: str
) -> Iterator[list[Request]]:
    for route in virtual_service.http:
        for match in route.matches or (None,):
            meant = [list(islice(requests_of(mesh, route, match, address), MOST_TRIES)) for address in served]
            reaching = [first_reaching(mesh, route, tries, namespace) for tries in meant]
            # Where the rule does not hold, as at another gateway, what it is for must go elsewhere.
            bases = [one or tries[0] for one, tries in zip(reaching, meant, strict=True) if one or tries]
            inside = next((one for one in reaching if one is not None), None)
            yield [*bases, *(rule_boundaries(inside, route, match) if inside else ())]


def _of_hosts(
    mesh: Mesh, virtual_service: VirtualService, served: Sequence[Address], namespace: str, tls: Tls | None
) -> Iterator[list[Request]]:
    for address in served:
        if address.entry is None:
            continue
        tries = (
            (route, requests_of(mesh, route, match, address))
            for route in virtual_service.http
            for match in route.matches or (None,)
        )
        bases = (first_reaching(mesh, route, requests, namespace) for route, requests in tries)
        base = next((one for one in bases if one is not None), None)
        if base is not None:
            yield [*_handshakes(base, address), *host_boundaries(base, address.pattern)]
            yield [replace(base, path=path) for path in known_paths(mesh, virtual_service)]
            yield [*_elsewhere(mesh, base, address.entry, tls)]


def _handshakes(base: Request, address: Address) -> Iterator[Request]:
    """The same by another client: without its certificate, and with an older TLS."""
    own = base.tls
    if own is None or address.entry is None:
        return
    if address.entry.server.tls.mode in (TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL) and own.cert:
        yield replace(base, tls=replace(own, cert="", key=""))
    if not own.newest:
        yield replace(base, tls=replace(own, newest="TLSv1_2"))


def _elsewhere(mesh: Mesh, base: Request, own: Entry, tls: Tls | None) -> Iterator[Request]:
    """The same at every other server, of other Gateways too, and in the clear where TLS is spoken (or in TLS)."""
    several = list(entries(mesh, own.gateway))
    several += [
        Entry(gateway, server) for gateway in mesh.gateways for server in gateway.servers if gateway != own.gateway
    ]
    for entry in several:
        there = at(mesh, entry, base.host, tls)
        yield replace(base, port=there.port, scheme=there.scheme, gateway=there.gateway, tls=there.tls)
    other = "https" if base.scheme == "http" else "http"
    yield replace(base, scheme=other, tls=(tls or Tls()) if other == "https" else None)


def _redirected(mesh: Mesh, tls: Tls | None) -> Iterator[list[Request]]:
    """Servers that send everything to HTTPS need no rule for it."""
    for gateway in mesh.gateways:
        for server in gateway.servers:
            if server.tls.https_redirect and server.protocol not in ENCRYPTED:
                for pattern in server.hosts:
                    address = at(mesh, Entry(gateway, server), pattern, tls)
                    base = Request("GET", address.host, address.port, "/x?y=1", gateway=address.gateway)
                    yield [base, replace(base, method="POST", path="/"), *host_boundaries(base, pattern)]
