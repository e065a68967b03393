"""The traffic policy that is in force for one destination and port.

A subset's policy overrides the rule's block by block. Settings of a port replace the others
altogether: what they leave out falls back to the defaults. Source:
https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy and istiod's
merge (MergeSubsetTrafficPolicy).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshproof.border.expectation import Ejection, Policy, Pool, RetryBudget, Upstream, WarmUp
from meshproof.mesh.model.destination_rule import NO_POLICY, DestinationRule, LoadBalancer, Subset, TrafficPolicy
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.client_tls import PLAIN
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies import destination_rules
from meshproof.records import dataclass

NOTHING = NO_POLICY
HTTP2 = frozenset({"http2", "grpc", "grpc-web"})
DEFAULT = Policy(str(NOTHING.load_balancer))


def policy(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> Policy:
    """What of a host's DestinationRules holds when a client calls a subset ('' for none) on a port."""
    found = in_force(mesh, host, subset, port, client)
    spoken = _upstream(mesh, host, port, found, client)
    plain = _border(found, mesh.config.connect_timeout)
    if spoken is Upstream.HTTP2 and plain.pool is not None:
        plain = replace(plain, pool=replace(plain.pool, multiplexed=True))
    if found.tls is not None and found.tls.mode == PLAIN and _is_in_mesh(mesh, host, client):
        plain = replace(plain, plain_text=True)
    return plain if spoken is Upstream.HTTP1 else replace(plain, upstream=spoken)


def _is_in_mesh(mesh: Mesh, host: str, client: Client) -> bool:
    service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
    return service is not None and not service.hostname


def _upstream(mesh: Mesh, host: str, port: int, found: TrafficPolicy, client: Client) -> Upstream:
    """Source: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/."""
    service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
    called = next((one for one in service.ports if one.number == port), None) if service else None
    pool = found.connection_pool
    # A port that says nothing is called as the client speaks, but by gateways.
    if (pool and pool.use_client_protocol) or (called and called.sniffed and client.gateway == MESH_GATEWAY):
        return Upstream.CLIENT
    named = called is not None and called.protocol in HTTP2
    asked = pool.upgrade_to_http2 if pool else None
    if asked is None:
        # What the mesh says is for ports alone that say they speak HTTP.
        asked = mesh.config.upgrade_to_http2 and called is not None and called.is_http and not called.sniffed
    return Upstream.HTTP2 if named or asked else Upstream.HTTP1


def in_force(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> TrafficPolicy:
    """The same in the terms of the rules themselves."""
    return layers(mesh, host, subset, port, client).policy


@dataclass(frozen=True, slots=True)
class Layers:
    """The policies that are merged for a destination: that of the rule and that of the subset, each by its level.

    A level is `rule`, `port`, `subset` or `subset port`. `own` counts before `base`, block by block (None: nothing of
    a subset); settings of a subset's port stand alone.
    """

    base: TrafficPolicy = NOTHING
    base_level: str = "rule"
    own: TrafficPolicy | None = None
    own_level: str = "subset"
    rule: DestinationRule | None = None
    subset: Subset | None = None
    subset_rule: DestinationRule | None = None

    @property
    def policy(self) -> TrafficPolicy:
        """What they come to."""
        if self.own is None or self.own is NOTHING:
            return self.base
        if self.own_level == "subset port":
            # A budget is none of a port's settings, and alone stays that of the rule.
            return replace(self.own, retry_budget=self.base.retry_budget)
        own, base = self.own, self.base
        balancing = own if own.load_balancer is not LoadBalancer.UNSPECIFIED else base
        return TrafficPolicy(
            balancing.load_balancer,
            own.connection_pool or base.connection_pool,
            own.outlier_detection or base.outlier_detection,
            consistent_hash=balancing.consistent_hash,
            warmup=balancing.warmup,
            locality=balancing.locality,
            tls=own.tls or base.tls,
            retry_budget=own.retry_budget or base.retry_budget,
        )


def layers(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> Layers:
    """What is merged for a host's subset ('' for none) on a port."""
    service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
    if service is None:
        return Layers()
    rules = destination_rules.rules(mesh, service, client.namespace, client.labels)
    # Of several rules for a host the first that has a policy counts, as istiod merges them.
    whole = next((rule for rule in rules if rule.policy != NOTHING), None)
    policy = whole.policy if whole else NOTHING
    if whole and whole.backend_policy:
        policy = _filled(rules, whole)
    base, level = policy.ports.get(port, policy), "port" if port in policy.ports else "rule"
    found = next(((one, rule) for rule in rules for one in rule.subsets if subset and one.name == subset), None)
    if found is None:
        return Layers(base, level, rule=whole)
    chosen, owner = found
    own = chosen.policy.ports.get(port)
    top = "subset" if own is None else "subset port"
    return Layers(base, level, chosen.policy if own is None else own, top, whole, chosen, owner)


def _filled(rules: Iterable[DestinationRule], backend: DestinationRule) -> TrafficPolicy:
    """The policies of rules, the last of which counts most, over what a policy of the Gateway API says for the host.

    Source: https://gateway-api.sigs.k8s.io/api-types/backendtlspolicy/ and istiod's merge
    (pilot/pkg/model/destination_rule.go, mergeBackendPolicyTrafficPolicy).
    """
    written = [one.policy for one in rules if not one.backend_policy]
    stated = [*reversed(written), backend.policy]

    def first(several: Sequence[TrafficPolicy]) -> TrafficPolicy:
        balancing = next((one for one in several if one.load_balancer is not LoadBalancer.UNSPECIFIED), NOTHING)
        return replace(
            balancing,
            connection_pool=next((one.connection_pool for one in several if one.connection_pool), None),
            outlier_detection=next((one.outlier_detection for one in several if one.outlier_detection), None),
            tls=next((one.tls for one in several if one.tls), None),
            retry_budget=next((one.retry_budget for one in several if one.retry_budget), None),
            ports={},
        )

    numbers = dict.fromkeys(number for one in stated for number in one.ports)
    own = {number: first([one.ports[number] for one in stated if number in one.ports]) for number in numbers}
    return replace(first(stated), ports=own)


def _border(found: TrafficPolicy, timeout: float | None) -> Policy:
    if found == NOTHING:
        return DEFAULT
    pool, outlier = found.connection_pool, found.outlier_detection
    warmup, budget = found.warmup, found.retry_budget
    return Policy(
        str(found.load_balancer),
        Pool(
            pool.max_connections,
            timeout if pool.connect_timeout is None else pool.connect_timeout,
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
        warmup=WarmUp(warmup.window, warmup.aggression, warmup.minimum, warmup.location) if warmup else None,
        retry_budget=RetryBudget(budget.percent, budget.min_retry_concurrency, budget.location) if budget else None,
    )
