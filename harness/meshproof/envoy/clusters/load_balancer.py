"""How a cluster chooses among its hosts.

After istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go (applyLoadBalancer, ApplyRingHashLoadBalancer).
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.destination_rule import ConsistentHash, LoadBalancer, Warmup

LB_POLICIES = {
    LoadBalancer.UNSPECIFIED: "LEAST_REQUEST",
    LoadBalancer.LEAST_REQUEST: "LEAST_REQUEST",
    LoadBalancer.ROUND_ROBIN: "ROUND_ROBIN",
    LoadBalancer.RANDOM: "RANDOM",
}
TRANSLATED = frozenset({*LB_POLICIES, LoadBalancer.CONSISTENT_HASH})
SLOW = {"LEAST_REQUEST": "least_request_lb_config", "ROUND_ROBIN": "round_robin_lb_config"}
DEFAULT_LB_POLICY = "LEAST_REQUEST"


def load_balancer(balancer: LoadBalancer, hashed: ConsistentHash | None, warmup: Warmup | None) -> Fields:
    """The fields of a Cluster about it; a load balancer that is not translated (unsupported.py) is the default."""
    if hashed is not None:
        return hashing(hashed)
    policy = LB_POLICIES.get(balancer, DEFAULT_LB_POLICY)
    if warmup is None or policy not in SLOW:
        return {"lb_policy": policy}
    return {"lb_policy": policy, SLOW[policy]: {"slow_start_config": slow_start(warmup)}}


def slow_start(settings: Warmup) -> Fields:
    """istiod names no runtime key that could change it."""
    return {
        "slow_start_window": duration(settings.window),
        "aggression": {"default_value": settings.aggression, "runtime_key": "("},
        "min_weight_percent": wrapped(settings.minimum),
    }


def hashing(settings: ConsistentHash) -> Fields:
    """A ring, or Maglev's table; a size of None is left to Envoy."""
    size = None if settings.size is None else wrapped(settings.size)
    if settings.maglev:
        return {"lb_policy": "MAGLEV", **({"maglev_lb_config": {"table_size": size}} if size else {})}
    return {"lb_policy": "RING_HASH", **({"ring_hash_lb_config": {"minimum_ring_size": size}} if size else {})}
