"""Cross-origin policy, per route.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy
"""

from __future__ import annotations

from envoy.extensions.filters.http.cors.v3 import cors_pb2

from meshproof.envoy.resource import packed
from meshproof.envoy.routes.match import string_matcher
from meshproof.envoy.unit import Fields, wrapped
from meshproof.mesh.model.virtual_service import CorsPolicy

FILTER = "envoy.filters.http.cors"


def cors_config(policy: CorsPolicy | None) -> Fields:
    """The typed_per_filter_config entry of a route (empty without a policy)."""
    if policy is None:
        return {}
    config: Fields = {
        "filter_enabled": {"default_value": {"numerator": 100, "denominator": "HUNDRED"}},
        # istiod's default: a preflight of a foreign origin reaches the workload.
        "forward_not_matching_preflights": wrapped(not policy.answers_unmatched),
    }
    lists = (
        ("allow_methods", policy.allow_methods),
        ("allow_headers", policy.allow_headers),
        ("expose_headers", policy.expose_headers),
    )
    config |= {name: ",".join(values) for name, values in lists if values}
    if policy.allow_origins:
        config["allow_origin_string_match"] = [string_matcher(origin) for origin in policy.allow_origins]
    if policy.max_age is not None:
        config["max_age"] = str(int(policy.max_age))
    if policy.allow_credentials is not None:
        config["allow_credentials"] = wrapped(policy.allow_credentials)
    return {FILTER: packed(cors_pb2.CorsPolicy, config)}
