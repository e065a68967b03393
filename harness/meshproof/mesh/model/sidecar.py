"""Sidecars: which hosts the pods that they select know.

Fields follow https://istio.io/latest/docs/reference/config/networking/sidecar/.
"""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import covers
from meshproof.records import dataclass

ANY_NAMESPACE, OWN_NAMESPACE = "*", "."


@dataclass(frozen=True, slots=True)
class Imported:
    """A host, or a pattern, of a namespace (`*`: of any, `.`: of the client's own); `excluded`: all but those."""

    namespace: str
    host: str
    excluded: bool = False

    def covers(self, host: str, namespace: str, own: str) -> bool:
        """Whether it is about a host of a namespace, for clients of the namespace `own`."""
        meant = own if self.namespace == OWN_NAMESPACE else self.namespace
        return meant in (ANY_NAMESPACE, namespace) and covers(self.host, host)


@dataclass(frozen=True, slots=True)
class Listener:
    """An egress listener for one port: what is asked for there is among its `hosts` alone; it speaks HTTP or `tcp`."""

    port: int
    hosts: tuple[Imported, ...]
    location: Location
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`selector` empty: all pods of its namespace, or of all namespaces where it stands in the root namespace.

    `hosts` are known on all ports but those of `listeners`; `catching` tells that there is a listener for these. One
    that is not `modelled` is known to apply, and no more. `created` is as for VirtualServices.
    """

    name: str
    namespace: str
    selector: Labels
    hosts: tuple[Imported, ...]
    location: Location
    created: str = ""
    outbound: OutboundMode | None = None
    modelled: bool = True
    listeners: tuple[Listener, ...] = ()
    catching: bool = True

    def listener(self, port: int) -> Listener | None:
        """The one for a port."""
        return next((one for one in self.listeners if one.port == port), None)

    def hosts_on(self, port: int) -> tuple[Imported, ...]:
        """The hosts that are known on a port; what its listener imports has to have that port."""
        own = self.listener(port)
        return own.hosts if own else self.hosts
