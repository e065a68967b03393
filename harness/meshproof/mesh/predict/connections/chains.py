"""Which rule a connection gets, of those that a port has for different names in the handshake of TLS (SNI).

The most specific name decides: a plain one, then the longest pattern, then what is for all. A proxy refuses a port
with two rules for one name
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from meshproof.mesh.model.gateway import Server
from meshproof.mesh.model.index import Hosts, by_hosts
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute
from meshproof.records import dataclass

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Chain:
    """What a port does with connections that ask for one of `names` (`*`: all, and those without TLS).

    `route` is None where requests of HTTP are read. `server` is the Gateway's (None within the mesh).
    """

    names: tuple[str, ...]
    route: TcpRoute | None = None
    match: TcpMatch | None = None
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Chains:
    """Those of a port; `doubled` is a name that two of them are for (empty: there is none)."""

    several: tuple[Chain, ...]
    doubled: str
    _by_name: Hosts

    def chosen(self, name: str) -> Chain | None:
        """The chain for a name; an empty one asks for none."""
        fitting = [
            (specificity(one), chain)
            for chain in (self.several[at] for at in self._by_name.candidates(name))
            for one in chain.names
            if one == EVERY or (name and covers(one, name))
        ]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def chains_of(several: Iterable[Chain]) -> Chains:
    """The chains of a port, to be found by the names that they are for."""
    every = tuple(several)
    names = [dict.fromkeys(chain.names) for chain in every]
    counts = Counter(name for one in names for name in one)
    return Chains(every, next((name for name, count in counts.items() if count > 1), ""), by_hosts(names))
