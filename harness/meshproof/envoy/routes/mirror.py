"""Copies of requests.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Fields, fractional_percent, percent, wrapped
from meshproof.mesh.model.virtual_service import Mirror


def mirror_policies(mirrors: Iterable[Mirror], scope: Scope) -> list[Fields]:
    """Envoy's request_mirror_policies; a mirror of nothing is none. The Host is left alone, as istiod has it."""
    return [
        {
            "cluster": scope.cluster(mirror.destination),
            "runtime_fraction": {
                "default_value": percent(mirror.share) if mirror.coarse else fractional_percent(mirror.share)
            },
            "trace_sampled": wrapped(False),
            "disable_shadow_host_suffix_append": True,
        }
        for mirror in mirrors
        if mirror.share > 0
    ]
