"""The rules of several objects as a Gateway has them: for one host of a port together, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from meshproof.lint.checks.order.entries import Connection, Entry, hiding
from meshproof.lint.folder import Folder
from meshproof.mesh.model.gateway import CONNECTIONS, Gateway
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, TcpMatch, VirtualService
from meshproof.mesh.predict.entries import Rule, catches_all, considered
from meshproof.mesh.predict.gateways.servers import Entry as Served
from meshproof.mesh.predict.gateways.servers import common_hosts, entries, listening, open_to, pods
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.visibility import virtual_services
from meshproof.records import dataclass

Pair = tuple[Entry, Entry | None]
Bound = tuple[VirtualService, Connection]
TLS = "TLS"


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule of an object, and the one of the same object that catches all before it, if one does."""

    owner: VirtualService
    rule: Rule
    ended_by: Rule | None = None


def met_at_gateways(folder: Folder) -> Iterator[Pair]:
    """Each entry at each place where a Gateway has it, with the one that takes all of its requests there, if one does.

    What clients within the mesh have as well is left out, for they have it by itself; and what a Gateway may have that
    is not among the manifests.
    """
    known: set[tuple[int, ...]] = set()
    for together in _together(folder.mesh):
        key = tuple(id(part) for one in together for part in (one.rule.route, one.rule.match))
        if key not in known:
            known.add(key)
            # What catches all ends the rules of its own object, and comes last of several.
            several = [one for one in together if one.ended_by is None]
            several.sort(key=lambda one: catches_all(one.rule.match) and not one.rule.route.missing)
            hidden = dict(hiding(folder, [_anywhere(one.rule) for one in several]))
            found = [(one, several[hidden[at]].rule if at in hidden else None) for at, one in enumerate(several)]
            found += [(one, one.ended_by) for one in together if one.ended_by is not None]
            yield from ((one.rule, by) for one, by in found if _is_for_known(folder.mesh, one.owner))
    yield from _connections(folder.mesh)


def _is_for_known(mesh: Mesh, owner: VirtualService) -> bool:
    return all(one != MESH_GATEWAY and mesh.gateway(one) is not None for one in owner.gateways)


def _together(mesh: Mesh) -> Iterator[Sequence[Placed]]:
    """The rules of each host of each port."""
    for gateway, port in _ports(mesh):
        there = listening(mesh, gateway, port)
        for servers in (there.plain, *((one,) for one in there.secured.values())):
            yield from grouped(pair for server in servers for pair in _rules(mesh, server)).values()


def _ports(mesh: Mesh) -> Iterator[tuple[Gateway, int]]:
    """Each port of the pods of Gateways, once."""
    known = set()
    for gateway in mesh.gateways:
        for entry in entries(mesh, gateway):
            if (found := (pods(mesh, gateway), entry.server.port)) not in known:
                known.add(found)
                yield gateway, entry.server.port


def _rules(mesh: Mesh, served: Served) -> Iterator[tuple[str, Placed]]:
    gateway, server = served.gateway, served.server
    if server.tls.https_redirect or server.protocol in (*CONNECTIONS, TLS):
        return
    namespace, labels = mesh.pods_of(gateway)
    client = Client(gateway.key, server.port, namespace, labels)
    for one in virtual_services(mesh, gateway.key, namespace).several:
        rules = [Placed(one, each.rule, each.shadowed) for each in considered(one, client) if each.kept_from is None]
        for host in dict.fromkeys(common_hosts(open_to(server, one.namespace), one.hosts)) if rules else ():
            yield from ((host, rule) for rule in rules)


def _anywhere(rule: Rule) -> Rule:
    """The same for who has come: that a port, a Gateway and its pods fit is known."""
    if rule.match is None:
        return rule
    match = replace(rule.match, port=None, gateways=(), source_labels={}, source_namespace="")
    return replace(rule, match=match)


def _connections(mesh: Mesh) -> Iterator[Pair]:
    """Rules for connections at each port of a Gateway, each with the one that takes all of its own, if one does."""
    for gateway, port in _ports(mesh):
        there = listening(mesh, gateway, port)
        found = list(_after_the_first(pair for served in there.plain for pair in _bound(mesh, served, "tcp")))
        named: dict[str, Connection] = {}
        for served in there.secured.values():
            if served.server.passes_tls_on:
                found += _by_name(_bound(mesh, served, "tls"), named)
            elif served.server.protocol in (*CONNECTIONS, TLS):
                found += _after_the_first(_bound(mesh, served, "tcp"))
        yield from ((one, by) for owner, one, by in found if _is_for_known(mesh, owner))


def _after_the_first(several: Iterable[Bound]) -> Iterator[tuple[VirtualService, Connection, Connection | None]]:
    """The first rule takes all connections, whatever host it is for."""
    first: Connection | None = None
    for owner, one in several:
        yield owner, one, first
        first = first or one


def _by_name(
    several: Iterable[Bound], named: dict[str, Connection]
) -> Iterator[tuple[VirtualService, Connection, Connection | None]]:
    """What has a name that another one of the port (`named`) had before is left out whole."""
    for owner, one in several:
        names = one.match.sni_hosts if one.match else ()
        by = next((named[name] for name in names if name in named), None)
        yield owner, one, by
        if by is None:
            named |= dict.fromkeys(names, one)


def _bound(mesh: Mesh, served: Served, kind: Literal["tcp", "tls"]) -> Iterator[Bound]:
    """The entries of rules for connections that a server has, in order."""
    gateway, server = served.gateway, served.server
    namespace, _ = mesh.pods_of(gateway)
    for one in virtual_services(mesh, gateway.key, namespace).several:
        if any(True for _ in common_hosts(open_to(server, one.namespace), one.hosts)):
            for route in one.tcp if kind == "tcp" else one.tls:
                fitting: Iterable[TcpMatch | None] = route.matches or (None,)
                yield from ((one, Connection(route, match)) for match in fitting if _fits(match, gateway, server.port))


def _fits(match: TcpMatch | None, gateway: Gateway, port: int) -> bool:
    if match is None:
        return True
    return match.port in (None, port) and (not match.gateways or gateway.key in match.gateways)
