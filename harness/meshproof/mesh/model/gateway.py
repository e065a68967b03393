"""Gateways and their servers.

Fields follow https://istio.io/latest/docs/reference/config/networking/gateway/.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels


class TlsMode(StrEnum):
    NONE = ""
    SIMPLE = "SIMPLE"
    MUTUAL = "MUTUAL"
    OPTIONAL_MUTUAL = "OPTIONAL_MUTUAL"


@dataclass(frozen=True, slots=True)
class ServerTls:
    mode: TlsMode = TlsMode.NONE
    credential_name: str = ""
    https_redirect: bool = False
    min_version: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """`hosts` as written, without their `namespace/` part."""

    port: int
    protocol: str
    name: str
    hosts: tuple[str, ...]
    tls: ServerTls
    location: Location


@dataclass(frozen=True, slots=True)
class Gateway:
    name: str
    namespace: str
    selector: Labels
    servers: tuple[Server, ...]
    location: Location

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"
