"""How traffic is driven: a shape (a locustfile in loadtests/), what it requests, and with how many users."""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from meshproof.border.request import Request, Tls, parse
from meshproof.errors import UsageError
from meshproof.records import dataclass

MOST_WORKERS = 64
# Where a master in a pod listens for its workers in others: past every sidecar, so no Service may have such a port.
MASTER_PORTS = range(24990, 24998)
MASTER_ADDRESS = "MESHPROOF_POD_IP"
"""The environment's name for the address at which other pods reach this one."""


class Derived(Enum):
    """Requests that a scenario does not write: they are made from its manifests."""

    PROBES = "probes"


PROBES = Derived.PROBES
"""What shows each rule, and what lies just beyond the boundaries of each."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load to drive.

    `shape` names a locustfile in loadtests/, or one of the courses of the engine that pace one
    (`balance`, `barrier`, `ejection`, `failover`, `warmup`); `send` is what it requests, one or several, in turn, as
    text, as Request, or as PROBES; `users` is the number of requests under way at once; `timeout` is the client's limit
    for one answer in seconds. `headers` names response headers to keep with each observation beside
    the usual ones; `digest` keeps the SHA-256 of each response's body. `tls` is what the client
    brings to a handshake, for requests that do not say it themselves. With several `clients`, each with a proxy of its
    own, every one of them has so many users.
    """

    shape: str
    send: str | Request | Derived | tuple[str | Request | Derived, ...]
    users: int = 8
    timeout: float = 15.0
    headers: tuple[str, ...] = ()
    digest: bool = False
    tls: Tls = field(default_factory=Tls)
    clients: int = 1

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is sent, parsed; raises UsageError, also while some of it is yet to be derived."""
        if self.derives:
            raise UsageError("some requests of this load are derived from manifests, which are not known here")
        return self.resolved(())

    @property
    def derives(self) -> bool:
        """Whether some of its requests are derived from the manifests."""
        return any(isinstance(one, Derived) for one in self._several)

    def resolved(self, probes: tuple[Request, ...]) -> tuple[Request, ...]:
        """What is sent, with the probes in the place of PROBES; raises UsageError."""
        found: list[Request] = []
        for one in self._several:
            if isinstance(one, Derived):
                found += probes
            else:
                found.append(parse(one) if isinstance(one, str) else one)
        return tuple(found)

    @property
    def _several(self) -> tuple[str | Request | Derived, ...]:
        return self.send if isinstance(self.send, tuple) else (self.send,)


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where the load generator stands.

    `command` is put before the generator's own command line (empty: run it here); `resolve` maps
    Request.endpoint to the (address, port) to connect to, like curl's --resolve; what is not in it is
    resolved where the generator runs. With `workers`, that is where each Locust worker stands, and the vantage itself
    is that of their master, which sends nothing.
    """

    command: tuple[str, ...] = ()
    resolve: tuple[tuple[str, tuple[str, int]], ...] = ()
    workers: tuple[Vantage, ...] = ()

    @property
    def unresolved(self) -> Vantage:
        """The same for whatever is sent: which processes run where."""
        return Vantage(self.command, workers=tuple(one.unresolved for one in self.workers))
