"""The traffic policy that is in force for one destination and port.

A subset's policy overrides the rule's block by block. Settings of a port replace the others
altogether: what they leave out falls back to the defaults. Source:
https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy and istiod's
merge (MergeSubsetTrafficPolicy).
"""

from __future__ import annotations

from meshproof.border.expectation import Ejection, Policy, Pool
from meshproof.mesh.model.destination_rule import LoadBalancer, TrafficPolicy
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies import destination_rules

NOTHING = TrafficPolicy()
DEFAULT = Policy(str(NOTHING.load_balancer))


def policy(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> Policy:
    """What of a host's DestinationRules holds when a client calls a subset ('' for none) on a port."""
    return _border(in_force(mesh, host, subset, port, client))


def in_force(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> TrafficPolicy:
    """The same in the terms of the rules themselves."""
    service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
    if service is None:
        return NOTHING
    rules = destination_rules.rules(mesh, service, client.namespace, client.labels)
    # Of several rules for a host the first that has a policy counts, as istiod merges them.
    whole = next((rule.policy for rule in rules if rule.policy != NOTHING), NOTHING)
    base = whole.ports.get(port, whole)
    chosen = next((one for rule in rules for one in rule.subsets if subset and one.name == subset), None)
    if chosen is None:
        return base
    own = chosen.policy.ports.get(port)
    if own is not None:
        return own
    top = chosen.policy
    balancing = top if top.load_balancer is not LoadBalancer.UNSPECIFIED else base
    return TrafficPolicy(
        balancing.load_balancer,
        top.connection_pool or base.connection_pool,
        top.outlier_detection or base.outlier_detection,
        consistent_hash=balancing.consistent_hash,
    )


def _border(found: TrafficPolicy) -> Policy:
    if found == NOTHING:
        return DEFAULT
    pool, outlier = found.connection_pool, found.outlier_detection
    return Policy(
        str(found.load_balancer),
        Pool(
            pool.max_connections,
            pool.connect_timeout,
            pool.http1_max_pending_requests,
            pool.http2_max_requests,
            pool.max_requests_per_connection,
            pool.max_retries,
            pool.idle_timeout,
            pool.location,
        )
        if pool
        else None,
        Ejection(
            outlier.consecutive_5xx_errors,
            outlier.consecutive_gateway_errors,
            outlier.consecutive_local_origin_failures,
            outlier.split_external_local_origin_errors,
            outlier.interval,
            outlier.base_ejection_time,
            outlier.max_ejection_percent,
            outlier.min_health_percent,
            outlier.location,
        )
        if outlier
        else None,
    )
