"""The table of probes: requests inside every rule, and just outside of it, derived from the rules themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from itertools import islice

from meshproof.border.request import Request, Tls
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.errors import Location
from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, Server, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict.gateways.servers import Entry, entries, pods
from meshproof.mesh.predict.mesh_table import UNREAD
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import Address, addresses, at
from meshproof.mesh.requests.authorization import probes_of, shown
from meshproof.mesh.requests.beside import Beside
from meshproof.mesh.requests.boundaries import host_boundaries, rule_boundaries
from meshproof.mesh.requests.matching import known_paths, requests_of
from meshproof.mesh.requests.overlaps.avoiding import reaching_beyond
from meshproof.mesh.requests.overlaps.meeting import meets
from meshproof.mesh.requests.overlaps.pairs import overlaps, table
from meshproof.mesh.requests.samples import MOST_TRIES, first_reaching
from meshproof.mesh.requests.selection import Group, Selection, select

# What a folder of more than a thousand Services has.
MOST = 20_000
# So many Gateways of other pods are asked for each host of one.
MOST_ELSEWHERE = 4


def probes(
    mesh: Mesh,
    client: Source = DEFAULT_CLIENT,
    *,
    tls: Tls | None = None,
    among: Set[Location] | None = None,
    most: int | None = MOST,
    beside: Mesh | None = None,
) -> Selection:
    """Requests about the boundaries of every rule, host and server, and about each two rules that overlap.

    They come in the manifests' order, at most `most` (None: all); of a specification with more, each rule and host
    keeps its first ones. `tls` is what the client brings to handshakes; without it, it trusts the certificate that a
    Gateway's Secret holds. With `among` only those within the mesh about these rules. `beside` is another mesh, from
    whose rules they are to be told.
    """
    telling = Beside(mesh, beside)
    groups: list[Group] = []
    known: set[tuple[int, ...]] = set()
    for virtual_service in mesh.virtual_services:
        for gateway in virtual_service.gateways:
            if among is not None and gateway != MESH_GATEWAY:
                continue
            served = list(addresses(mesh, virtual_service, gateway, client.namespace, tls))
            groups += _of_rules(mesh, virtual_service, served, client, among, telling)
            groups += _overlapping(mesh, served, client, among, known)
            groups += _of_hosts(mesh, virtual_service, served, client, tls)
    groups += _redirected(mesh, tls) if among is None else ()
    groups += (Group(one.place, tuple(probes_of(one))) for one in shown(mesh, tls)) if among is None else ()
    if any(_passes_on(server) for gateway in mesh.gateways for server in gateway.servers):
        groups = [_read(mesh, one, client) for one in groups]
    selected = select(groups, most)
    return replace(selected, left_out=tuple((Counter(dict(selected.left_out)) + telling.unknown).items()))


def _passes_on(server: Server) -> bool:
    """Whether a server reads no requests of HTTP."""
    return server.passes_tls_on or server.protocol == "TLS" or server.protocol in CONNECTIONS


def _read(mesh: Mesh, group: Group, client: Source) -> Group:
    """Without what a gateway passes on as it is: how that is answered is nothing that a rule says."""
    kept = [one for one in group.requests if not one.gateway or predict(mesh, one, client).refused != UNREAD]
    return replace(group, requests=tuple(kept))


def _overlapping(
    mesh: Mesh, served: Sequence[Address], client: Source, among: Set[Location] | None, known: set[tuple[int, ...]]
) -> Iterator[Group]:
    """What shows which of two rules comes first, for each table once (`known` are those that have had theirs)."""
    for address in served:
        rules = table(mesh, address, client)
        key = tuple(id(part) for rule in rules for part in (rule.route, rule.match))
        if key in known:
            continue
        known.add(key)
        for one in overlaps(mesh, rules, address):
            places = (one.first.route.location, one.second.route.location)
            if among is None or not among.isdisjoint(places):
                yield Group(places[0], (one.request,))


def _of_rules(
    mesh: Mesh,
    virtual_service: VirtualService,
    served: Sequence[Address],
    client: Source,
    among: Set[Location] | None,
    telling: Beside,
) -> Iterator[Group]:
    for route in (one for one in virtual_service.http if among is None or one.location in among):
        for match in route.matches or (None,):
            meant = [list(islice(requests_of(mesh, route, match, address), MOST_TRIES)) for address in served]
            found = [first_reaching(mesh, route, tries, client) for tries in meant]
            reaching = [one.request if one else None for one in found]
            # Where the rule does not hold, as at another gateway, what it is for must go elsewhere.
            bases = [one or tries[0] for one, tries in zip(reaching, meant, strict=True) if one or tries]
            inside = next((one for one in reaching if one is not None), None)
            if inside is None and match is not None:
                others = (reaching_beyond(mesh, virtual_service, route, tries, client) for tries in meant)
                inside = next((one.request for one in others if one and meets(match, one.request)), None)
            about = rule_boundaries(inside, route, match) if inside else ()
            apart = telling.requests(virtual_service, route, match, inside) if inside else ()
            yield Group(route.location, (*bases, *about, *apart))


def _of_hosts(
    mesh: Mesh, virtual_service: VirtualService, served: Sequence[Address], client: Source, tls: Tls | None
) -> Iterator[Group]:
    place = virtual_service.location
    for address in served:
        if address.entry is None:
            continue
        tries = (
            (route, requests_of(mesh, route, match, address))
            for route in virtual_service.http
            for match in route.matches or (None,)
        )
        bases = (first_reaching(mesh, route, requests, client) for route, requests in tries)
        base = next((one.request for one in bases if one is not None), None)
        if base is not None:
            hosts = (one for one in host_boundaries(base, address.pattern) if _is_told(mesh, base, one, client))
            yield Group(place, (*_handshakes(base, address), *hosts))
            yield Group(place, tuple(replace(base, path=path) for path in known_paths(mesh, virtual_service)))
            yield Group(place, tuple(_elsewhere(mesh, base, address.entry, tls)))


def _is_told(mesh: Mesh, base: Request, other: Request, client: Source) -> bool:
    """Whether it is told what becomes of a host in other letters: of certificates outside of the mesh it is not."""
    if other.host == base.host or other.host.lower() != base.host:
        return True
    return not predict(mesh, other, client).undecided


def _handshakes(base: Request, address: Address) -> Iterator[Request]:
    """The same by another client: without its certificate, and with an older TLS."""
    own = base.tls
    if own is None or address.entry is None:
        return
    if address.entry.server.tls.mode in (TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL) and own.cert:
        yield replace(base, tls=replace(own, cert="", key=""))
    if own.of_the_mesh:
        yield replace(base, tls=replace(own, of_the_mesh=False))
    if not own.newest:
        yield replace(base, tls=replace(own, newest="TLSv1_2"))


def _elsewhere(mesh: Mesh, base: Request, own: Entry, tls: Tls | None) -> Iterator[Request]:
    """The same at each other port of the gateway's pods, at some other Gateways, and in the clear where TLS is spoken.

    (Or in TLS where it is not.) Servers that share a port of the same pods are one listener.
    """
    several = {(one.server.port, one.server.protocol in ENCRYPTED): one for one in entries(mesh, own.gateway)}
    gateways, own_pods = mesh.gateways, pods(mesh, own.gateway)
    at_own = next(number for number, one in enumerate(gateways) if one.key == own.gateway.key)
    following = (one for one in (*gateways[at_own + 1 :], *gateways[:at_own]) if pods(mesh, one) != own_pods)
    further = [Entry(gateway, server) for gateway in islice(following, MOST_ELSEWHERE) for server in gateway.servers]
    for entry in (*several.values(), *further):
        there = at(mesh, entry, base.host, tls)
        yield replace(base, port=there.port, scheme=there.scheme, gateway=there.gateway, tls=there.tls)
    other = "https" if base.scheme == "http" else "http"
    yield replace(base, scheme=other, tls=(tls or Tls()) if other == "https" else None)


def _redirected(mesh: Mesh, tls: Tls | None) -> Iterator[Group]:
    """Servers that send everything to HTTPS need no rule for it."""
    for gateway in mesh.gateways:
        for server in gateway.servers:
            if server.tls.https_redirect and server.protocol not in ENCRYPTED:
                for pattern in server.hosts:
                    address = at(mesh, Entry(gateway, server), pattern, tls)
                    base = Request("GET", address.host, address.port, "/x?y=1", gateway=address.gateway)
                    posted = replace(base, method="POST", path="/")
                    yield Group(server.location, (base, posted, *host_boundaries(base, pattern)))
