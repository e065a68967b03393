"""Which rule a connection gets, of those that a port has for different names in the handshake of TLS (SNI).

The most specific name decides: a plain one, then the longest pattern, then what is for all. A proxy refuses a port
with two rules for one name
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from meshproof.mesh.model.gateway import Server
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


def chosen(several: Iterable[Chain], name: str) -> Chain | None:
    """The chain for a name; an empty one asks for none."""
    fitting = [
        (specificity(one), chain)
        for chain in several
        for one in chain.names
        if one == EVERY or (name and covers(one, name))
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def doubled(several: Iterable[Chain]) -> str:
    """A name that two chains are for; empty where there is none."""
    counts = Counter(name for chain in several for name in dict.fromkeys(chain.names))
    return next((name for name, count in counts.items() if count > 1), "")
