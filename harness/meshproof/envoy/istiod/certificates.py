"""TLS that proxies originate, with what stands in for certificates that istiod or files would give them."""

from __future__ import annotations

from typing import Any

from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY, NOBODY
from meshproof.mesh.model.traffic_policy.client_tls import NO_AUTHORITY

Json = dict[str, Any]

SHOWN, VERIFIED = "tls_certificate_sds_secret_configs", "combined_validation_context"
AUTHORITY = "validation_context_sds_secret_config"


def with_stand_ins(socket: Json) -> Json:
    """A transport socket whose secrets stand in it, as meshproof's own translation has them.

    The authority is the one that signs what stand-ins show; where istiod knows none, one that has signed nothing.
    """
    config = socket.get("typed_config", {})
    common = dict(config.get("common_tls_context", {}))
    if common.pop(SHOWN, ()):
        pair = {"certificate_chain": {"inline_string": CERTIFICATE}, "private_key": {"inline_string": KEY}}
        common["tls_certificates"] = [pair]
    alone, combined = common.pop(AUTHORITY, {}), common.pop(VERIFIED, {})
    if alone or combined:
        secret = combined.get(AUTHORITY, alone).get("name", "")
        authority = NOBODY if secret.startswith(NO_AUTHORITY) else CERTIFICATE
        trusted = {"trusted_ca": {"inline_string": authority}}
        common["validation_context"] = {**combined.get("default_validation_context", {}), **trusted}
    return {**socket, "typed_config": {**config, "common_tls_context": common}}
