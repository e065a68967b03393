"""Which rules, in which order, decide a request that enters by a Gateway.

Gateways whose selectors choose the same pods are one proxy: their servers of one port count together.
Source: https://istio.io/latest/docs/reference/config/networking/gateway/ and
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import CONNECTIONS, Server, TlsMode
from meshproof.mesh.model.index import Hosts, by_hosts
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.predict.connections.chains import Chain
from meshproof.mesh.predict.connections.entering import chains
from meshproof.mesh.predict.entries import Rule, catches_all, rules_for
from meshproof.mesh.predict.gateways.handshake import refusal
from meshproof.mesh.predict.gateways.servers import Entry, common_hosts, listening, open_to, pods
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import CONNECTION, HANDSHAKE, UNREAD, Table
from meshproof.mesh.predict.visibility import virtual_services
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """Servers of one port without TLS, or one with it, and their places by the hosts for which each may be asked."""

    several: tuple[Entry, ...]
    servers: tuple[Server, ...]
    hosts: Hosts


def gateway_table(mesh: Mesh, request: Request) -> Table:
    """The rules that stand for a request that enters by the Gateway of its name.

    In TLS the server is found by the name in the handshake (SNI), the rule by the Host header afterwards.
    """
    gateway = mesh.gateway(request.gateway)
    if gateway is None:
        return Table(note=f"there is no Gateway {request.gateway}", refused=CONNECTION)
    there = listening(mesh, gateway, request.port)
    if not there.several:
        return Table(note=f"no server of Gateway {gateway.key} listens on port {request.port}", refused=CONNECTION)
    port = f"port {request.port} of Gateway {gateway.key}"
    found = chains(mesh, gateway, request.port)
    if not found.several:
        return Table(note=f"no rule is for what {port} passes on: nothing listens there", refused=CONNECTION)
    if twice := found.doubled:
        return Table(note=f"{port} has two uses for {twice}: Envoy refuses it", refused=UNREAD)
    encrypted = request.scheme == "https"
    name = request.host.lower()
    taken = found.chosen(name if encrypted else "")
    if taken is not None and taken.route is not None:
        return Table(note=f"{port} passes {_on(request, taken)}", refused=UNREAD)
    if not encrypted:
        if not there.plain:
            return Table(note=_spoken(port, there.several), refused=HANDSHAKE)
        served = mesh.once(("predict", "served", pods(mesh, gateway), request.port), lambda: _served(mesh, there.plain))
        return _virtual_host(mesh, served, request)
    chosen = there.secured.get(id(taken.server)) if taken else None
    if chosen is None:
        missing = f"no server of Gateway {gateway.key} has a certificate for {name}"
        return Table(note=missing if there.secured else _spoken(port, there.several), refused=HANDSHAKE)
    return _encrypted(mesh, chosen, name, request)


def _on(request: Request, taken: Chain) -> str:
    """What a port passes on as it is, and how to ask for it."""
    scheme = "tcp" if taken.server and taken.server.protocol in CONNECTIONS else "tls"
    what = f"what asks for {request.host.lower()}" if scheme == "tls" else "what comes"
    return f"{what} on as it is: ask for {scheme}://{request.host}:{request.port}"


def _spoken(port: str, listening: Iterable[Entry]) -> str:
    return f"{port} speaks {', '.join(sorted({one.server.protocol for one in listening}))}"


def _encrypted(mesh: Mesh, chosen: Entry, name: str, request: Request) -> Table:
    settings = chosen.server.tls
    why = refusal(mesh, chosen.gateway, settings, name, request.tls)
    if why:
        return Table(note=f"{why} (server at {chosen.server.location})", refused=HANDSHAKE)
    asks = settings.mode in (TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL)
    certified = asks and bool(request.tls and request.tls.cert)
    return replace(_virtual_host(mesh, _served(mesh, (chosen,)), request), certified=certified)


def _served(mesh: Mesh, several: tuple[Entry, ...]) -> Served:
    hosts = by_hosts([dict.fromkeys(_hosts(mesh, one)) for one in several])
    return Served(several, tuple(one.server for one in several), hosts)


def _hosts(mesh: Mesh, entry: Entry) -> Iterator[str]:
    """The hosts of the VirtualServices that are bound to a server's Gateway, and its own where it redirects them."""
    gateway, server = entry.gateway, entry.server
    for one in virtual_services(mesh, gateway.key, mesh.pods_of(gateway)[0]).several:
        yield from one.hosts
    if server.tls.https_redirect:
        yield from server.hosts


def _virtual_host(mesh: Mesh, served: Served, request: Request) -> Table:
    domains: dict[str, list[tuple[Rule, ...]]] = {}
    serving: dict[str, list[Server]] = {}
    secured: set[str] = set()
    for entry in (served.several[at] for at in served.hosts.candidates(request.domain)):
        gateway, server = entry.gateway, entry.server
        namespace, labels = mesh.pods_of(gateway)
        client = Client(gateway.key, request.port, namespace, labels)
        seen = virtual_services(mesh, gateway.key, namespace)
        for one in (seen.several[at] for at in seen.hosts.candidates(request.domain)):
            rules = rules_for(mesh, one, client)
            for domain in dict.fromkeys(common_hosts(open_to(server, one.namespace), one.hosts)) if rules else ():
                domains.setdefault(domain, []).append(rules)
                serving.setdefault(domain, []).append(server)
                if server.tls.https_redirect:
                    secured.add(domain)
        if server.tls.https_redirect:
            # istiod leaves the namespace in the name of a host that is limited to one: no request asks for that.
            bare = [host for owner, host in server.limits if not owner]
            secured.update(bare)
            for domain in bare:
                domains.setdefault(domain, [])
                serving.setdefault(domain, []).append(server)
    fitting = [domain for domain in domains if covers(domain, request.domain)]
    if not fitting:
        note = f"no server and VirtualService of this Gateway share the host {request.domain}"
        return Table(rules=(), note=note, servers=served.servers)
    best = max(fitting, key=specificity)
    # Several VirtualServices of one host count together, what catches all last.
    parts = domains[best]
    ordered = mesh.once(("predict", "ordered", *map(id, parts)), lambda: _ordered(parts))
    servers = tuple(dict.fromkeys(serving[best]))
    if best not in secured or request.scheme != "http":
        return Table(ordered, domain=best, servers=servers)
    place = next(one.tls.location or one.location for one in servers if one.tls.https_redirect)
    return Table(ordered, to_https=True, domain=best, servers=servers, note=f"httpsRedirect at {place}")


def _ordered(parts: Iterable[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    return tuple(sorted(chain(*parts), key=lambda rule: catches_all(rule.match) and not rule.route.missing))
