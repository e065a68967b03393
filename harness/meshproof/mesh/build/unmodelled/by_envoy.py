"""Which requests a resource takes with it whose routes Envoy refuses: all that the same proxies have for the port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshproof.errors import Location, ManifestError
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.visibility import export_to
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import overlap
from meshproof.mesh.model.unmodelled import ALL_WAYS_IN, Asked, Routed, Rule, Touches
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService

# Where sidecars have the routes to hosts that are no Service's.
PORT_OF_NO_SERVICE = 80


def beside(resource: Resource, own: Sequence[Touches], mesh: Mesh) -> tuple[Touches, ...]:
    """The requests of all routes that stand beside those of a resource that by itself touches `own`."""
    try:
        exported = _exported(resource)
    except ManifestError:
        exported = ()
    found: dict[Touches, None] = {}
    for touch in own:
        if isinstance(touch, Asked):
            found |= dict.fromkeys(_ways(touch.hosts, touch.gateways, resource.namespace, exported, mesh))
        elif isinstance(touch, Rule) and (root := _root(touch.location, mesh)):
            # What is delegated to stands among the routes of whoever delegates.
            found |= dict.fromkeys(_ways(root.hosts, root.gateways, root.namespace, root.export_to, mesh))
        else:
            return ALL_WAYS_IN
    return tuple(found) or ALL_WAYS_IN


def _exported(resource: Resource) -> tuple[str, ...]:
    spec = resource.body.get("spec")
    return export_to(spec, resource.namespace) if spec and resource.kind == "VirtualService" else ()


def _root(place: Location, mesh: Mesh) -> VirtualService | None:
    return next((one for one in mesh.virtual_services if any(rule.location == place for rule in one.http)), None)


def _ways(
    hosts: Sequence[str], gateways: Iterable[str], namespace: str, exported: tuple[str, ...], mesh: Mesh
) -> Iterator[Touches]:
    named = tuple(gateways)
    if not named:
        yield from ALL_WAYS_IN
    for gateway in named:
        if gateway == MESH_GATEWAY:
            yield Routed(tuple(hosts), namespace, exported, _ports(hosts, mesh))
        else:
            yield Asked(("*",), (gateway,))


def _ports(hosts: Iterable[str], mesh: Mesh) -> frozenset[int]:
    """The ports on which sidecars have routes to these hosts; none where a host is no Service's that is known."""
    found = {PORT_OF_NO_SERVICE}
    for host in hosts:
        if host.startswith("*"):
            services = [one for one in mesh.services if overlap(host, one.host)]
        else:
            services = [*mesh.services_of(host)]
        if not services:
            return frozenset()
        found |= {port.number for one in services for port in one.ports}
    return frozenset(found)
