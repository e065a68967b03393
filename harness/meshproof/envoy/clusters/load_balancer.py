"""How a cluster chooses among its hosts.

After istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go (applyLoadBalancer, ApplyRingHashLoadBalancer).
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields, wrapped
from meshproof.mesh.model.destination_rule import ConsistentHash, LoadBalancer, TrafficPolicy

LB_POLICIES = {
    LoadBalancer.UNSPECIFIED: "LEAST_REQUEST",
    LoadBalancer.LEAST_REQUEST: "LEAST_REQUEST",
    LoadBalancer.ROUND_ROBIN: "ROUND_ROBIN",
    LoadBalancer.RANDOM: "RANDOM",
}
TRANSLATED = frozenset({*LB_POLICIES, LoadBalancer.CONSISTENT_HASH})
DEFAULT_LB_POLICY = "LEAST_REQUEST"


def load_balancer(policy: TrafficPolicy) -> Fields:
    """The fields of a Cluster about it; a load balancer that is not translated (unsupported.py) is the default."""
    if policy.consistent_hash is not None:
        return hashing(policy.consistent_hash)
    return {"lb_policy": LB_POLICIES.get(policy.load_balancer, DEFAULT_LB_POLICY)}


def hashing(settings: ConsistentHash) -> Fields:
    """A ring, or Maglev's table; a size of None is left to Envoy."""
    size = None if settings.size is None else wrapped(settings.size)
    if settings.maglev:
        return {"lb_policy": "MAGLEV", **({"maglev_lb_config": {"table_size": size}} if size else {})}
    return {"lb_policy": "RING_HASH", **({"ring_hash_lb_config": {"minimum_ring_size": size}} if size else {})}
