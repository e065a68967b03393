"""Gateways and their servers.

Fields follow https://istio.io/latest/docs/reference/config/networking/gateway/.
"""

from __future__ import annotations

import re
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass


class TlsMode(StrEnum):
    NONE = ""
    SIMPLE = "SIMPLE"
    MUTUAL = "MUTUAL"
    OPTIONAL_MUTUAL = "OPTIONAL_MUTUAL"
    PASSTHROUGH = "PASSTHROUGH"
    AUTO_PASSTHROUGH = "AUTO_PASSTHROUGH"
    ISTIO_MUTUAL = "ISTIO_MUTUAL"


CERTIFIED = frozenset({TlsMode.SIMPLE, TlsMode.MUTUAL, TlsMode.OPTIONAL_MUTUAL})
"""The modes of servers that end TLS with a certificate of their own."""
ENDING = CERTIFIED | {TlsMode.ISTIO_MUTUAL}
"""The modes of all servers that end TLS: of one the certificate is that of the mesh, and so are its clients'."""
ENCRYPTED = frozenset({"HTTPS", "TLS"})
CONNECTIONS = frozenset({"TCP", "MONGO", "REDIS", "MYSQL"})
"""Protocols of servers that pass on what comes without a look at what it carries."""
OWN_PODS = "pods of a Gateway"
"""Stands for being one of the pods of the Gateway that it names: no label of a pod, whose values have no slash."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Paths in the gateway's pods; `authority` is of those who sign the clients' certificates."""

    certificate: str
    key: str
    authority: str = ""

    @property
    def stand_in(self) -> str:
        """The name of the Secret that stands in for the files."""
        return "file-" + re.sub("[^a-z0-9.]+", "-", self.certificate.lower()).strip("-.")


@dataclass(frozen=True, slots=True)
class ServerTls:
    """`cipher_suites` are those for TLS up to 1.2 (none: the proxy's own).

    `credential_namespace` is that of the Secret (empty: that of the gateway's pods). A Secret stands in for `files`.
    """

    mode: TlsMode = TlsMode.NONE
    credential_name: str = ""
    https_redirect: bool = False
    min_version: str = ""
    location: Location | None = None
    max_version: str = ""
    cipher_suites: tuple[str, ...] = ()
    credential_namespace: str = ""
    files: CertificateFiles | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """`hosts` without their `namespace/` part, which `namespaces` has for each of them.

    Only VirtualServices of that namespace may bind to a host; '' stands for any (none given: any for all hosts).
    """

    port: int
    protocol: str
    name: str
    hosts: tuple[str, ...]
    tls: ServerTls
    location: Location
    namespaces: tuple[str, ...] = ()

    @property
    def limits(self) -> tuple[tuple[str, str], ...]:
        """Each host after the namespace that it is limited to."""
        return tuple(zip(self.namespaces or ("",) * len(self.hosts), self.hosts, strict=True))

    @property
    def ends_tls(self) -> bool:
        """Whether it ends TLS."""
        return self.tls.mode in ENDING

    @property
    def passes_tls_on(self) -> bool:
        """Whether it passes TLS on by the name that is asked for, as the rules of `tls` say."""
        return self.tls.mode is TlsMode.PASSTHROUGH


@dataclass(frozen=True, slots=True)
class Gateway:
    """`created` is when it was made, in RFC 3339 and UTC (empty: not told).

    `listener` names the one of a Gateway of the Gateway API, or of a ListenerSet, that it stands for: the pods of that
    Gateway serve it, which `selector` names by OWN_PODS, with the ServiceAccount `account`. `ingress` is the name
    (`namespace/name`) of the Ingress that it is made of.
    """

    name: str
    namespace: str
    selector: Labels
    servers: tuple[Server, ...]
    location: Location
    created: str = ""
    listener: str = ""
    ingress: str = ""
    account: str = ""

    @property
    def is_written(self) -> bool:
        """Whether it stands in the manifests as it is, and is made of nothing else."""
        return not self.listener and not self.ingress

    @property
    def called(self) -> str:
        """What people call it, which all listeners of a Gateway are."""
        return f"{self.namespace}/{self.name}"

    @property
    def owner(self) -> str:
        """The Gateway of the Gateway API whose own pods serve it, empty for others."""
        return self.selector.get(OWN_PODS, "")

    @property
    def key(self) -> str:
        return f"{self.called}/{self.listener}" if self.listener else self.called

    def may_share_pods(self, other: Gateway) -> bool:
        """Whether the same pods may serve both: the servers, and what is bound to either, then decide together."""
        ours, theirs = self.selector.items(), other.selector.items()
        return ours <= theirs or theirs <= ours
