"""What would be pushed to a proxy of a captured cluster, beside what that proxy runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from meshproof.border.facts.captured import Dump
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.border.source import source as of_pod
from meshproof.envoy.compared.routes import Compared, compared
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.errors import MeshproofError
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.run.explaining.proxies import addresses, resources

ROUTES = "routes"
GATEWAY_TABLE = "http."


@dataclass(frozen=True, slots=True)
class Beside:
    """A proxy, and how its routes compare; `why` says why they could not be compared."""

    dump: Dump
    found: Compared | None
    why: str = ""

    @property
    def differs(self) -> bool:
        """Whether anything was found that is not the same."""
        return self.found is None or bool(self.found.differences)


def whole(built: Built, dumps: Sequence[Dump]) -> Iterator[Beside]:
    """Each proxy with all of its routes."""
    for one in dumps:
        kind = Kind.GATEWAY if one.gateway else Kind.SIDECAR
        try:
            document = translate(built.mesh, Proxy(kind, one.namespace, one.labels), addresses(built.mesh)).document()
        except MeshproofError as error:
            yield Beside(one, None, str(error))
            continue
        yield _beside(built.mesh, one, document[ROUTES])


def of_request(built: Built, request: Request, source: Source, dumps: Sequence[Dump]) -> Beside | None:
    """The proxy that a request passes first, with the virtual host that it meets; None where no dump is of it."""
    found = next((one for one in dumps if _passes(built.mesh, one, request, source)), None)
    if found is None:
        return None
    try:
        # As its pod gets it: rules may be for these labels alone.
        ours: list[dict[str, Any]] = resources(built, request, of_pod(found.namespace, found.labels))[ROUTES]
    except MeshproofError as error:
        return Beside(found, None, str(error))
    result = _beside(built.mesh, found, ours)
    return replace(result, found=replace(result.found, theirs_alone=()) if result.found else None)


def _beside(mesh: Mesh, dump: Dump, ours: list[dict[str, Any]]) -> Beside:
    try:
        return Beside(dump, compared(ours, dump.resources.get(ROUTES, []), _target_ports(mesh, dump)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        # A stranger's bundle may hold anything.
        return Beside(dump, None, "its dump is not of the form of Envoy's configuration")


def _passes(mesh: Mesh, dump: Dump, request: Request, source: Source) -> bool:
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    if gateway is not None:
        return dump.gateway and gateway.selector.items() <= dump.labels.items()
    return not dump.gateway and dump.namespace == source.namespace and source.labels.items() <= dump.labels.items()


def _target_ports(mesh: Mesh, dump: Dump) -> Mapping[str, str]:
    """istiod names a gateway's routes by the port of the pod, which its Service sends a server's port to."""
    if not dump.gateway:
        return {}
    return {
        f"{GATEWAY_TABLE}{port.number}": f"{GATEWAY_TABLE}{port.target}"
        for service in mesh.services
        if service.namespace == dump.namespace and service.selector and service.selector.items() <= dump.labels.items()
        for port in service.ports
        if isinstance(port.target, int)
    }
