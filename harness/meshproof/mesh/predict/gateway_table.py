"""Which rules, in which order, decide a request that enters by a Gateway.

Gateways whose selectors choose the same pods are one proxy: their servers of one port count together.
Source: https://istio.io/latest/docs/reference/config/networking/gateway/ and
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, Server, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.predict.connections.chains import Chain, doubled
from meshproof.mesh.predict.connections.chains import chosen as chain_of
from meshproof.mesh.predict.connections.entering import chains
from meshproof.mesh.predict.entries import Rule, catches_all, rules_for
from meshproof.mesh.predict.gateways.handshake import refusal
from meshproof.mesh.predict.gateways.servers import Entry, common_hosts, entries, open_to
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import CONNECTION, HANDSHAKE, UNREAD, Table
from meshproof.mesh.predict.visibility import virtual_services


def gateway_table(mesh: Mesh, request: Request) -> Table:
    """The rules that stand for a request that enters by the Gateway of its name.

    In TLS the server is found by the name in the handshake (SNI), the rule by the Host header afterwards.
    """
    gateway = mesh.gateway(request.gateway)
    if gateway is None:
        return Table(note=f"there is no Gateway {request.gateway}", refused=CONNECTION)
    listening = [one for one in entries(mesh, gateway) if one.server.port == request.port]
    if not listening:
        return Table(note=f"no server of Gateway {gateway.key} listens on port {request.port}", refused=CONNECTION)
    port = f"port {request.port} of Gateway {gateway.key}"
    several = chains(mesh, gateway, request.port)
    if not several:
        return Table(note=f"no rule is for what {port} passes on: nothing listens there", refused=CONNECTION)
    if twice := doubled(several):
        return Table(note=f"{port} has two uses for {twice}: Envoy refuses it", refused=UNREAD)
    encrypted = request.scheme == "https"
    name = request.host.lower()
    taken = chain_of(several, name if encrypted else "")
    if taken is not None and taken.route is not None:
        return Table(note=f"{port} passes {_on(request, taken)}", refused=UNREAD)
    secured = [one for one in listening if one.server.protocol in ENCRYPTED]
    if not encrypted:
        plain = [one for one in listening if one.server.protocol not in ENCRYPTED]
        return _virtual_host(mesh, plain, request) if plain else Table(note=_spoken(port, listening), refused=HANDSHAKE)
    chosen = next((one for one in secured if taken and one.server is taken.server), None)
    if chosen is None:
        missing = f"no server of Gateway {gateway.key} has a certificate for {name}"
        return Table(note=missing if secured else _spoken(port, listening), refused=HANDSHAKE)
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
    return replace(_virtual_host(mesh, [chosen], request), certified=certified)


def _virtual_host(mesh: Mesh, several: Sequence[Entry], request: Request) -> Table:
    domains: dict[str, list[Rule]] = {}
    serving: dict[str, list[Server]] = {}
    secured: set[str] = set()
    for entry in several:
        gateway, server = entry.gateway, entry.server
        namespace, labels = mesh.pods_of(gateway)
        client = Client(gateway.key, request.port, namespace, labels)
        seen = virtual_services(mesh, gateway.key, namespace)
        for one in (seen.several[at] for at in seen.hosts.candidates(request.domain)):
            rules = rules_for(mesh, one, client)
            for domain in dict.fromkeys(common_hosts(open_to(server, one.namespace), one.hosts)) if rules else ():
                domains.setdefault(domain, []).extend(rules)
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
        return Table(rules=(), note=note, servers=tuple(one.server for one in several))
    best = max(fitting, key=specificity)
    # Several VirtualServices of one host count together, what catches all last.
    ordered = sorted(domains[best], key=lambda rule: catches_all(rule.match) and not rule.route.missing)
    to_https = best in secured and request.scheme == "http"
    return Table(tuple(ordered), to_https=to_https, domain=best, servers=tuple(dict.fromkeys(serving[best])))
