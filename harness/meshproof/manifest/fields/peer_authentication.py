"""The fields of Istio's PeerAuthentication, alike in v1beta1 and v1.

Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/ and the published CRD.
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import LABELS, Map, OneOf, Shape

MODE: dict[str, Shape] = {"mode": OneOf(("UNSET", "DISABLE", "PERMISSIVE", "STRICT"))}

PEER_AUTHENTICATION = resource(
    spec={"selector": {"matchLabels": LABELS}, "mtls": MODE, "portLevelMtls": Map(MODE)},
    status=None,
)
