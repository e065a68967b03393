"""Which rules, in which order, decide a request that enters by a Gateway.

Gateways whose selectors choose the same pods are one proxy: their servers of one port count together.
Source: https://istio.io/latest/docs/reference/config/networking/gateway/ and
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import Gateway, Server, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.predict.handshake import refusal
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import Rule, Table, catches_all, rules_for
from meshproof.mesh.predict.visibility import oldest_first, virtual_services

ENCRYPTED = frozenset({"HTTPS", "TLS"})
CONNECTION, HANDSHAKE = "connection", "handshake"


@dataclass(frozen=True, slots=True)
class Entry:
    """A server with its Gateway."""

    gateway: Gateway
    server: Server


def gateway_of(mesh: Mesh, key: str) -> Gateway | None:
    """The Gateway that is called `namespace/name`."""
    return mesh.gateway(key)


def entries(mesh: Mesh, gateway: Gateway) -> tuple[Entry, ...]:
    """Every server that the pods of a Gateway serve, those of other Gateways for the same pods included, by age."""
    return mesh.once(("predict", "entries", gateway.key), lambda: tuple(_entries(mesh, gateway)))


def _entries(mesh: Mesh, gateway: Gateway) -> Iterator[Entry]:
    _, labels = mesh.pods_of(gateway)
    found = [one for one in mesh.gateways if one.selector.items() <= labels.items()]
    ages = oldest_first(found)
    for one in sorted(found, key=lambda each: ages[id(each)]):
        yield from (Entry(one, server) for server in one.servers)


def gateway_table(mesh: Mesh, request: Request) -> Table:
    """The rules that stand for a request that enters by the Gateway of its name."""
    gateway = gateway_of(mesh, request.gateway)
    if gateway is None:
        return Table(note=f"there is no Gateway {request.gateway}", refused=CONNECTION)
    listening = [one for one in entries(mesh, gateway) if one.server.port == request.port]
    if not listening:
        return Table(note=f"no server of Gateway {gateway.key} listens on port {request.port}", refused=CONNECTION)
    encrypted = request.scheme == "https"
    speaking = [one for one in listening if (one.server.protocol in ENCRYPTED) == encrypted]
    if not speaking:
        spoken = ", ".join(sorted({one.server.protocol for one in listening}))
        return Table(note=f"port {request.port} of Gateway {gateway.key} speaks {spoken}", refused=HANDSHAKE)
    if encrypted:
        return _encrypted(mesh, gateway, speaking, request)
    return _virtual_host(mesh, speaking, request)


def _encrypted(mesh: Mesh, gateway: Gateway, speaking: list[Entry], request: Request) -> Table:
    """The server is found by the name in the handshake (SNI), the rule by the Host header afterwards."""
    name = request.host.lower()
    named = [(specificity(host), one) for one in speaking for host in one.server.hosts if covers(host, name)]
    if not named:
        return Table(note=f"no server of Gateway {gateway.key} has a certificate for {name}", refused=HANDSHAKE)
    chosen = max(named, key=lambda pair: pair[0])[1]
    settings = chosen.server.tls
    if settings.mode is TlsMode.NONE:
        return Table(note=f"Gateway {gateway.key} passes TLS on, which is not modelled", refused=HANDSHAKE)
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


def common_hosts(server_hosts: Iterable[str], hosts: tuple[str, ...]) -> Iterable[str]:
    """The hosts that a server and a VirtualService share, of each pair the narrower one."""
    for ours in server_hosts:
        for theirs in hosts:
            if covers(ours, theirs):
                yield theirs
            elif covers(theirs, ours):
                yield ours


def open_to(server: Server, namespace: str) -> Iterable[str]:
    """The hosts of a server that VirtualServices of a namespace may bind to."""
    return (host for owner, host in server.limits if owner in ("", namespace))
