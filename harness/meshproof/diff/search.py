"""The requests that are tried: those that show the rules, boundaries and overlaps of either side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from meshproof.border.request import TLS, Request, connection
from meshproof.border.source import Source, source
from meshproof.collector import collector_paused
from meshproof.diff.across import Across
from meshproof.diff.changed import Reach, part, without_places
from meshproof.diff.let_in import asked, differing_policies, guarded, named
from meshproof.diff.unshown import unshown
from meshproof.errors import Location
from meshproof.manifest.resource import Notice
from meshproof.mesh.model.gateway import Server
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import RouteMatch, VirtualService
from meshproof.mesh.predict.connections.within import PROTOCOLS, SECURED
from meshproof.mesh.predict.entries import Rule
from meshproof.mesh.predict.gateways.servers import Entry, entries, pods
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.visibility import sees
from meshproof.mesh.requests.addresses import POD_TLS, Address, addresses, at, short_name
from meshproof.mesh.requests.clients.apart import requests_about, told_apart
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, others
from meshproof.mesh.requests.overlaps.pairs import table
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.samples import sample_requests
from meshproof.records import dataclass

MOST = 20_000


@dataclass(frozen=True, slots=True)
class Tried:
    """The requests of each client; `left_out` is how many more there are, and about what, `clients` how many others.

    `unshown` are the rules, of either side, that no request was found for, with their owners.
    """

    by_client: tuple[tuple[Source, tuple[Request, ...]], ...]
    left_out: tuple[tuple[Location, int], ...] = ()
    clients: int = 0
    unshown: tuple[tuple[tuple[VirtualService, Notice], ...], ...] = ((), ())


@collector_paused()
def search(meshes: Sequence[Mesh], touched: Reach, namespace: str) -> Tried:
    """Requests about all that can be touched of either mesh."""
    if not touched:
        return Tried(())
    usual = source(namespace)
    parts = [part(mesh, touched) for mesh in meshes]
    found: dict[Source, dict[Request, None]] = {usual: {}}
    left_out: list[tuple[Location, int]] = []
    (old, _), (new, _) = parts
    told: list[Sequence[Notice]] = []
    for mesh, services in parts:
        more, notices = _about(mesh, old if mesh is new else new, usual, None, found)
        left_out += more
        told.append(notices)
        found[usual] |= dict.fromkeys(_plain(services, usual))
    further = [(client, rules, mesh) for mesh, _ in parts for client, rules in others(mesh, usual).items()]
    apart = told_apart([mesh for mesh, _ in parts], usual)
    names = list(dict.fromkeys((*(client for client, _, _ in further), *apart)))
    chosen = names[:MOST_CLIENTS]
    for client, rules, mesh in further:
        if client in chosen:
            left_out += _about(mesh, old if mesh is new else new, client, rules, found)[0]
    for client, several in apart.items():
        if client in chosen:
            shown = [one for one in found[usual] if not one.gateway]
            for mesh, _ in parts:
                found.setdefault(client, {}).update(dict.fromkeys(requests_about(mesh, usual, several, shown)))
    for client in (usual, *chosen):
        found[client] |= dict.fromkeys(_across(parts, client, left_out))
    for client in chosen:
        # Whoever else may call a Service that is exported to it alone.
        for _, services in parts:
            found[client] |= dict.fromkeys(_plain(services, client))
    more_clients = _about_policies(parts, usual, found)
    return Tried(
        tuple((client, _by_one_way(meshes, several)) for client, several in found.items() if several),
        tuple(left_out),
        len(names) - len(chosen) + more_clients,
        (tuple(_unshown(old, new, told[0], found)), tuple(_unshown(new, old, told[1], found))),
    )


def _about_policies(
    parts: Sequence[tuple[Mesh, tuple[Service, ...]]], usual: Source, found: dict[Source, dict[Request, None]]
) -> int:
    """Add what the usual client, and those that a policy names, ask of the pods that it is for; how many are left out.

    Only policies that one side alone has are asked about, each by its own clients.
    """
    (old, _), (new, _) = parts
    services = list({one.host: one for _, several in parts for one in several}.values())
    left: set[Source] = set()
    limit = len(found) + MOST_CLIENTS
    for mesh, policy in differing_policies(old, new):
        own = guarded(mesh, policy, services)
        for client in dict.fromkeys((usual, *named(mesh, policy))) if own else ():
            if client not in found and len(found) >= limit:
                left.add(client)
                continue
            calls = list(_plain(own, client))
            found.setdefault(client, {}).update(dict.fromkeys((*calls, *asked(policy, calls))))
    return len(left)


def _unshown(
    mesh: Mesh, other: Mesh, told: Sequence[Notice], found: Mapping[Source, Iterable[Request]]
) -> Iterator[tuple[VirtualService, Notice]]:
    """What was told of rules of a mesh that no client of all shows, and that the other one lacks."""
    if several := list(unshown(mesh, other, told, frozenset())):
        taken = (predict(mesh, one, client).route for client, requests in found.items() for one in requests)
        shown = frozenset(filter(None, taken))
        yield from (one for one in several if one[1].location not in shown)


def _by_one_way(meshes: Sequence[Mesh], requests: Iterable[Request]) -> tuple[Request, ...]:
    """Each request once that Gateways of the same pods take: by the one that is for its host, where one of them is."""
    found: dict[object, Request] = {}
    for one in requests:
        key = (tuple(_pods(mesh, one.gateway) for mesh in meshes), replace(one, gateway="")) if one.gateway else one
        known = found.get(key)
        if known is None or (_is_meant(meshes, one) and not _is_meant(meshes, known)):
            found[key] = one
    return tuple(found.values())


def _pods(mesh: Mesh, name: str) -> object:
    gateway = mesh.gateway(name)
    return pods(mesh, gateway) if gateway else None


def _is_meant(meshes: Sequence[Mesh], request: Request) -> bool:
    """Whether the Gateway that a request enters by has a server for its host, on either side."""
    named = (mesh.gateway(request.gateway) for mesh in meshes)
    servers = (server for gateway in named if gateway for server in gateway.servers)
    return any(covers(host, request.host.lower()) for server in servers for host in server.hosts)


def _about(
    mesh: Mesh, beside: Mesh, client: Source, rules: Set[Location] | None, found: dict[Source, dict[Request, None]]
) -> tuple[Sequence[tuple[Location, int]], Sequence[Notice]]:
    several = found.setdefault(client, {})
    if not mesh.virtual_services and rules is None:
        return (), ()
    requests, told = sample_requests(mesh, client, among=rules, called=())
    chosen = probes(mesh, client, among=rules, most=MOST, beside=beside)
    several |= dict.fromkeys((*requests, *chosen.requests))
    return chosen.left_out, told


def _across(
    parts: Sequence[tuple[Mesh, tuple[Service, ...]]], client: Source, left_out: list[tuple[Location, int]]
) -> Iterator[Request]:
    """Requests that meet a rule of either side at once, where a host has not the same rules on both."""
    known: set[tuple[str, str, int]] = set()
    for mesh, _ in parts:
        for one in mesh.virtual_services:
            for gateway in one.gateways:
                for address in addresses(mesh, one, gateway, client.namespace):
                    key = address.gateway, address.pattern, address.port
                    if key not in known:
                        known.add(key)
                        yield from _between(parts, address, client, left_out)


def _between(
    parts: Sequence[tuple[Mesh, tuple[Service, ...]]],
    address: Address,
    client: Source,
    left_out: list[tuple[Location, int]],
) -> Iterator[Request]:
    (old, _), (new, _) = parts
    before, after = table(old, address, client), table(new, address, client)
    if without_places([*map(_conditions, before)]) == without_places([*map(_conditions, after)]):
        return
    found = Across(before, after)
    yield from found.requests(old, new, address)
    if found.unseen:
        left_out.append(((*after, *before)[0].route.location, found.unseen))


def _conditions(rule: Rule) -> RouteMatch | None:
    return rule.match


def _plain(services: Sequence[Service], client: Source) -> Iterator[Request]:
    """A request, or a connection, to each port of Services that a client sees, by name and by address."""
    for one in services:
        if sees(client.namespace, one.export_to, one.namespace):
            for host in (short_name(one, client.namespace), *one.own_addresses):
                yield from _called(one, host)


def _called(service: Service, host: str) -> Iterator[Request]:
    for port in service.ports:
        if port.is_http:
            yield Request("GET", host, port.number)
        elif port.protocol in PROTOCOLS:
            yield connection(host, port.number)
        elif port.protocol in SECURED:
            yield connection(host, port.number, scheme=TLS, tls=POD_TLS)


def as_served(mesh: Mesh, request: Request, other: Mesh) -> Request:
    """The request of a client that trusts the certificate which this mesh serves.

    What its Gateway serves on the other side alone, another one may serve here for the same pods.
    """
    gateway = mesh.gateway(request.gateway) if request.gateway and request.tls else None
    if gateway is None:
        return request
    serving = [Entry(gateway, one) for one in gateway.servers if _is_for(one, request)]
    theirs = other.gateway(request.gateway)
    if not serving and theirs and any(_is_for(one, request) for one in theirs.servers):
        serving = [one for one in entries(mesh, gateway) if _is_for(one.server, request)]
    for entry in serving:
        found = at(mesh, entry, request.host, replace(request.tls, ca="") if request.tls else None)
        return replace(request, tls=found.tls or request.tls)
    return request


def _is_for(server: Server, request: Request) -> bool:
    return server.port == request.port and any(covers(one, request.host.lower()) for one in server.hosts)
