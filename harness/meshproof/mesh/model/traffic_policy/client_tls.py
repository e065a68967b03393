"""TLS that a client's proxy originates.

Fields follow https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings.
"""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.records import dataclass

PLAIN, SIMPLE, MUTUAL, ISTIO_MUTUAL = "DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"
ORIGINATING = frozenset({SIMPLE, MUTUAL})
# A ConfigMap that holds authorities alone, which anybody may read.
CONFIG_MAP = "configmap://"
# What istiod names where a BackendTLSPolicy refers to no authorities that it knows: no certificate is good then.
NO_AUTHORITY = "invalid://"


@dataclass(frozen=True, slots=True)
class ClientTls:
    """`names` are subjectAltNames; `verified` False: insecureSkipVerify.

    Certificates are stood in for; `certificates` says where they are taken from, by the names of the fields.
    """

    mode: str
    sni: str = ""
    names: tuple[str, ...] = ()
    verified: bool = True
    credential: str = ""
    location: Location | None = None
    certificates: tuple[tuple[str, str], ...] = ()

    @property
    def is_of_the_mesh(self) -> bool:
        """Whether it is the mutual TLS that proxies of the mesh speak by themselves, with certificates of istiod."""
        return self.mode == ISTIO_MUTUAL and not self.names

    @property
    def for_gateways(self) -> bool:
        """Whether istiod gives it to gateways alone, and to sidecars that its rule selects."""
        return bool(self.credential) and not self.credential.startswith(CONFIG_MAP)

    @property
    def verifies_nobody(self) -> bool:
        """Whether no certificate at all is good enough, so that every handshake fails."""
        return self.credential == NO_AUTHORITY
