"""Copies of requests.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Json, fractional_percent
from meshproof.mesh.model import Mirror


def mirror_policies(mirrors: Iterable[Mirror], scope: Scope) -> list[Json]:
    """Envoy's request_mirror_policies; a mirror of nothing is none."""
    return [
        {
            "cluster": scope.cluster(mirror.destination),
            "runtime_fraction": {"default_value": fractional_percent(mirror.share)},
            "trace_sampled": False,
        }
        for mirror in mirrors
        if mirror.share > 0
    ]
