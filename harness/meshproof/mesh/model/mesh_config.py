"""The configuration of a whole mesh: what of `meshConfig` decides requests.

Fields follow https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.traffic_policy.locality import LocalitySetting
from meshproof.mesh.model.virtual_service import Retries
from meshproof.records import dataclass


class PathNormalization(StrEnum):
    BASE = "BASE"
    MERGE_SLASHES = "MERGE_SLASHES"
    DECODE_AND_MERGE_SLASHES = "DECODE_AND_MERGE_SLASHES"


class OutboundMode(StrEnum):
    """What a sidecar does with requests for hosts that the mesh does not know."""

    ALLOW_ANY = "ALLOW_ANY"
    REGISTRY_ONLY = "REGISTRY_ONLY"


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """`retries` are those of routes that state none; `outbound` None: not told; `given` is all of it, as JSON, and
    `location` where it stands.

    `connect_timeout`, in seconds, and `locality` are those of destinations that state none (None: Istio's own). With
    `upgrade_to_http2` pods are called over HTTP/2 on ports that are named as HTTP, unless a destination says otherwise.
    """

    path_normalization: PathNormalization = PathNormalization.BASE
    retries: Retries | None = None
    outbound: OutboundMode | None = None
    given: str = ""
    connect_timeout: float | None = None
    locality: LocalitySetting | None = None
    upgrade_to_http2: bool = False
    location: Location | None = field(default=None, compare=False)


DEFAULT = MeshConfig()
