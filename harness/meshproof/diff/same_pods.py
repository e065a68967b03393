"""What a change of some Gateways is to others of the same pods: their servers of one port count together.

Another Gateway serves otherwise as a whole where one of its servers comes into force, or no longer is; else only what
asks for a host of those that changed can get something else by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.connections.entering import chains
from meshproof.mesh.predict.gateways.servers import entries, listening, pods
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Beside:
    """Gateways (`namespace/name`) that `serve` otherwise, all that `share` pods with those that changed, and hosts."""

    serve: frozenset[str] = frozenset()
    share: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()


def beside(old: Mesh, new: Mesh, changed: Iterable[Gateway]) -> Beside:
    """What stands beside these Gateways, each of which is of either mesh."""
    several = [*changed]
    alike: Mapping[frozenset[tuple[str, str]], Gateway] = {frozenset(one.selector.items()): one for one in several}
    share = {
        one.called
        for mesh in (old, new)
        for one in mesh.gateways
        if any(one.may_share_pods(other) for other in alike.values())
    }
    serve = {name for name in share if [*_served(old, name)] != [*_served(new, name)]}
    hosts = {host for one in several for server in one.servers for host in server.hosts}
    return Beside(frozenset(serve), frozenset(share), frozenset(hosts))


def _served(mesh: Mesh, name: str) -> Iterator[tuple[int, bool, bool, bool, str]]:
    """Of each server of a Gateway: its port, whether it is in force, and what the port does for all of its hosts."""
    gateway = mesh.gateway(name)
    if gateway is None:
        return
    known = ("diff", "in force", pods(mesh, gateway))
    in_force = mesh.once(known, lambda: {id(one.server) for one in entries(mesh, gateway)})
    for server in gateway.servers:
        found = chains(mesh, gateway, server.port)
        plain = bool(listening(mesh, gateway, server.port).plain)
        yield server.port, id(server) in in_force, plain, bool(found.several), found.doubled
