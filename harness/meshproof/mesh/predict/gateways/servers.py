"""Which servers the pods of a Gateway have.

Gateways whose selectors choose the same pods are one proxy: their servers of one port count together, the oldest
Gateway's first. What of them has no part is istiod's choice: istio/istio pilot/pkg/model/gateway.go, mergeGateways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, Gateway, Server
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.predict.visibility import oldest_first
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A server with its Gateway."""

    gateway: Gateway
    server: Server


@dataclass(frozen=True, slots=True)
class Listening:
    """The servers of one port of the pods of a Gateway: all, those without TLS, and those with it by server."""

    several: tuple[Entry, ...]
    plain: tuple[Entry, ...]
    secured: Mapping[int, Entry]


def pods(mesh: Mesh, gateway: Gateway) -> tuple[tuple[str, str], ...]:
    """What tells the pods of a Gateway from others: the labels by which Gateways select them."""
    return mesh.once(("predict", "pods", gateway.key), lambda: tuple(sorted(mesh.pods_of(gateway)[1].items())))


def entries(mesh: Mesh, gateway: Gateway) -> tuple[Entry, ...]:
    """Every server that the pods of a Gateway serve, those of other Gateways for the same pods included, by age."""
    own = pods(mesh, gateway)
    return mesh.once(("predict", "entries", own), lambda: tuple(_in_force(_entries(mesh, dict(own)))))


def listening(mesh: Mesh, gateway: Gateway, port: int) -> Listening:
    """Those of one port, found once for all Gateways of the same pods."""

    def find() -> Listening:
        several = tuple(one for one in entries(mesh, gateway) if one.server.port == port)
        plain = tuple(one for one in several if one.server.protocol not in ENCRYPTED)
        secured = {id(one.server): one for one in several if one.server.protocol in ENCRYPTED}
        return Listening(several, plain, secured)

    return mesh.once(("predict", "listening", pods(mesh, gateway), port), find)


def _entries(mesh: Mesh, labels: Labels) -> Iterator[Entry]:
    found = [one for one in mesh.gateways if one.selector.items() <= labels.items()]
    ages = oldest_first(found)
    for one in sorted(found, key=lambda each: ages[id(each)]):
        yield from (Entry(one, server) for server in one.servers)


def _in_force(several: Iterable[Entry]) -> Iterator[Entry]:
    """Without those that istiod passes over.

    A server that says anything of TLS and has a host that one of its port had before; and every one after a server
    without TLS that speaks something else, or that passes connections on.
    """
    taken: dict[int, set[tuple[str, str]]] = {}
    plain: dict[int, Server] = {}
    for entry in several:
        server = entry.server
        if server.tls.location is not None:
            known = taken.setdefault(server.port, set())
            if known.intersection(server.limits):
                continue
            known.update(server.limits)
        first = plain.get(server.port)
        if first is None:
            if server.protocol not in ENCRYPTED:
                plain[server.port] = server
            yield entry
        elif not {first.protocol, server.protocol}.intersection(ENCRYPTED | CONNECTIONS):
            yield entry


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
