"""DestinationRules: subsets and traffic policies."""

from __future__ import annotations

from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.rules.weights import SUBSET_NAME
from meshproof.mesh.build.traffic_policy.client_tls import client_tls
from meshproof.mesh.build.traffic_policy.locality import locality, without_effect
from meshproof.mesh.build.visibility import LABEL, created, export_to
from meshproof.mesh.model import names
from meshproof.mesh.model.destination_rule import (
    NO_POLICY,
    ConnectionPool,
    ConsistentHash,
    DestinationRule,
    LoadBalancer,
    OutlierDetection,
    RetryBudget,
    Subset,
    TrafficPolicy,
    Warmup,
)
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.locality import HOSTNAME, NETWORK, REGION, SUBZONE, ZONE
from meshproof.mesh.model.unmodelled import Called, Unshown

RENAMED_BALANCERS = {"LEAST_CONN": LoadBalancer.LEAST_REQUEST, "UNSPECIFIED": LoadBalancer.LEAST_REQUEST}
PORT_FIELDS = ("connectionPool", "loadBalancer", "outlierDetection", "tls")
# Labels that istiod adds to those of a pod, for subsets alone.
PLACING = frozenset({REGION, ZONE, SUBZONE, NETWORK, HOSTNAME, "topology.istio.io/cluster"})
POLICY_FIELDS = (*PORT_FIELDS, "portLevelSettings", "proxyProtocol", "retryBudget", "tunnel")
# Unsigned, unlike the limits of a connection pool.
MOST_RETRIES = 2**32 - 1
# Limits that count connections, or what waits for one.
UPGRADES = {"UPGRADE": True, "DO_NOT_UPGRADE": False}
LIMITS = (("maxConnections",), ("http1MaxPendingRequests", "http2MaxRequests"))
# In seconds: no connection of a client here, and no load, lasts that long.
LONG, AS_LONG_AS_LOADS = 10.0, 600.0


def destination_rule(resource: Resource, findings: Findings) -> DestinationRule:
    spec = resource.body.need("spec")
    host = names.host(spec.need("host", "the Service that the rule is for"), resource.namespace, as_written=True)
    selecting = spec.get("workloadSelector")
    exported = export_to(spec, resource.namespace, selecting=selecting is not None)
    subsets: dict[str, Subset] = {}
    for value in spec.list("subsets"):
        with findings.gather():
            subset = _subset(value, host, findings)
            first = subsets.setdefault(subset.name, subset)
            if first is not subset:
                raise value.problem(f"subset {subset.name} is defined twice, first in line {first.location.line}")
    policy = traffic_policy(spec.get("trafficPolicy"), host, findings)
    without_effect(spec, findings)
    return DestinationRule(
        resource.name,
        resource.namespace,
        host,
        tuple(subsets.values()),
        policy,
        resource.location,
        exported,
        labels(selecting, "matchLabels") if selecting else None,
        created(resource),
    )


def _subset(value: Value, host: str, findings: Findings) -> Subset:
    name = value.need("name")
    if not name.text():
        raise name.problem("a subset needs a name")
    if not LABEL.fullmatch(name.text()):
        raise name.problem(f"{name.shown} is no name of a subset", SUBSET_NAME)
    policy = traffic_policy(value.get("trafficPolicy"), host, findings)
    wanted = labels(value, "labels")
    for label in sorted(PLACING & wanted.keys()):
        findings.unproved(
            value.location, f"subset {name.text()} goes by {label}, which istiod adds to pods by where they run"
        )
    return Subset(name.text(), wanted, policy, value.location)


def traffic_policy(value: Value | None, host: str, findings: Findings) -> TrafficPolicy:
    """A policy for a host with its settings by port."""
    if value is None:
        return NO_POLICY
    _check_given(value, *POLICY_FIELDS)
    if tunnel := value.get("tunnel"):
        for name in ("targetHost", "targetPort"):
            tunnel.need(name)
    findings.unmodelled(value, "tunnel")
    if header := value.get("proxyProtocol"):
        # An empty one stands for V1.
        findings.unproved(header.key or header.location, "proxyProtocol is not modelled")
    ports: dict[int, TrafficPolicy] = {}
    for setting in value.list("portLevelSettings"):
        port = setting.need("port", "the port that the settings are for").need("number").whole(1, LARGEST_PORT)
        _check_given(setting, *PORT_FIELDS)
        with findings.within(Called((host,), port)):
            ports.setdefault(port, _settings(setting, host, findings, {}))
    return replace(_settings(value, host, findings, ports), retry_budget=retry_budget(value, findings))


def _check_given(value: Value, *names_: str) -> None:
    if not any(value.get(name) for name in names_):
        raise value.problem("a policy has none of its fields", f"istiod refuses it: give one of {', '.join(names_)}")


def _hash(balancing: Value, findings: Findings) -> ConsistentHash | None:
    from meshproof.mesh.build.traffic_policy.consistent_hash import consistent_hash

    return consistent_hash(balancing.get("consistentHash"), findings)


def _warmup(balancing: Value, balancer: LoadBalancer, findings: Findings) -> Warmup | None:
    from meshproof.mesh.build.traffic_policy.warmup import warmup

    return warmup(balancing, balancer, findings)


def _settings(value: Value, host: str, findings: Findings, ports: dict[int, TrafficPolicy]) -> TrafficPolicy:
    balancing = value.get("loadBalancer")
    balancer = _load_balancer(balancing, findings)
    return TrafficPolicy(
        balancer,
        connection_pool(value.get("connectionPool"), findings),
        outlier_detection(value.get("outlierDetection"), findings),
        ports,
        _hash(balancing, findings) if balancing else None,
        _warmup(balancing, balancer, findings) if balancing else None,
        locality(balancing) if balancing else None,
        client_tls(value.get("tls"), host, findings),
    )


def _load_balancer(value: Value | None, findings: Findings) -> LoadBalancer:
    if value is None:
        return LoadBalancer.UNSPECIFIED
    findings.unmodelled(value, "zoneAwareLbSetting", "backendUtilization")
    simple = value.get("simple")
    if value.get("consistentHash"):
        if simple:
            raise simple.problem("loadBalancer has both simple and consistentHash", "leave one of them out")
        return LoadBalancer.CONSISTENT_HASH
    if simple is None:
        # Given and empty, it takes the place of the rule's own at a subset.
        return LoadBalancer.LEAST_REQUEST
    return RENAMED_BALANCERS.get(simple.text()) or LoadBalancer(simple.text())


def _limit(holder: Value | None, name: str) -> int | None:
    # istiod cannot tell 0 from a missing field here: both are no limit.
    found = holder.get(name) if holder else None
    return (found.whole() or None) if found else None


def _seconds(holder: Value | None, name: str) -> float | None:
    found = holder.get(name) if holder else None
    return found.duration(zero=name == "idleTimeout") if found else None


def retry_budget(value: Value, findings: Findings) -> RetryBudget | None:
    """`retryBudget` of a policy; istiod cannot tell a minRetryConcurrency of 0 from one that is left out."""
    given = value.get("retryBudget")
    if given is None:
        return None
    interval, percent = given.get("budgetInterval"), given.get("percent")
    if interval and interval.duration(zero=True):
        findings.unproved(interval.location, "a retryBudget with a budgetInterval is not modelled")
    default, least = RetryBudget(), given.get("minRetryConcurrency")
    return RetryBudget(
        float(percent.number()) if percent else default.percent,
        (least.whole(0, MOST_RETRIES) if least else 0) or default.min_retry_concurrency,
        given.key or given.location,
    )


def connection_pool(value: Value | None, findings: Findings) -> ConnectionPool | None:
    if value is None:
        return None
    tcp, http = value.get("tcp"), value.get("http")
    _check_given(value, "http", "tcp")
    client, upgrade = (http.get(name) if http else None for name in ("useClientProtocol", "h2UpgradePolicy"))
    by_client, upgraded = bool(client and client.flag()), UPGRADES.get(str(upgrade.data)) if upgrade else None
    if client and by_client and upgraded:
        raise client.problem("useClientProtocol beside h2UpgradePolicy: UPGRADE", "istiod refuses it: leave one out")
    alive = http.get("http2KeepAlive") if http else None
    for name in ("interval", "timeout") if alive and alive.data is not None else ():
        if alive and (alive.get(name) is None or alive.need(name).data is None):
            raise alive.problem(f"http2KeepAlive needs {name}", "istiod refuses it without: give interval and timeout")
    lasting, streams = _seconds(tcp, "maxConnectionDuration"), _limit(http, "maxConcurrentStreams")
    limits = any(
        holder and holder.get(name) for holder, names in ((tcp, LIMITS[0]), (http, LIMITS[1])) for name in names
    )
    # What is under way on a connection is ended first, and what comes next has another one, unless these are counted.
    short = lasting is not None and lasting < (AS_LONG_AS_LOADS if limits else LONG)
    findings.unmodelled(tcp, "maxConnectionDuration", touches=() if short else (Unshown(),))
    # Further streams have further connections, unless these are counted.
    findings.unmodelled(http, "maxConcurrentStreams", touches=() if limits else (Unshown(),))
    # They find out connections whose other end has gone, and leave all others as they are.
    findings.unmodelled(tcp, "tcpKeepalive", touches=(Unshown(),))
    findings.unmodelled(http, "http2KeepAlive", touches=(Unshown(),))
    idle = _seconds(http, "idleTimeout")
    return ConnectionPool(
        max_connections=_limit(tcp, "maxConnections"),
        connect_timeout=_seconds(tcp, "connectTimeout"),
        http1_max_pending_requests=_limit(http, "http1MaxPendingRequests"),
        http2_max_requests=_limit(http, "http2MaxRequests"),
        max_requests_per_connection=_limit(http, "maxRequestsPerConnection"),
        max_retries=_limit(http, "maxRetries"),
        idle_timeout=_seconds(tcp, "idleTimeout") if idle is None else idle,
        location=value.location,
        use_client_protocol=by_client,
        upgrade_to_http2=upgraded,
        max_connection_duration=lasting,
        max_concurrent_streams=streams,
    )


def outlier_detection(value: Value | None, findings: Findings) -> OutlierDetection | None:
    """Istio's outlierDetection; a detector set to 0 is off (None)."""
    if value is None:
        return None
    findings.unmodelled(value, "outlierDetectionHttpErrorCodes")
    if old := value.get("consecutiveErrors"):
        message = "consecutiveErrors has no effect: istiod ignores it, 1.9.5 as well as current ones"
        hint = "write consecutive5xxErrors or consecutiveGatewayErrors"
        findings.notice(old.location, f"{message}; {hint}", Topic.NO_EFFECT)
    split = value.get("splitExternalLocalOriginErrors")
    local = _limit(value, "consecutiveLocalOriginFailures")
    if local and not (split and split.flag()):
        where = value.need("consecutiveLocalOriginFailures")
        raise where.problem("needs splitExternalLocalOriginErrors: true", "istiod refuses one without the other")
    ejected, healthy = value.get("maxEjectionPercent"), value.get("minHealthPercent")
    default = OutlierDetection()
    return OutlierDetection(
        consecutive_5xx_errors=(
            _limit(value, "consecutive5xxErrors")
            if value.get("consecutive5xxErrors")
            else default.consecutive_5xx_errors
        ),
        consecutive_gateway_errors=_limit(value, "consecutiveGatewayErrors"),
        consecutive_local_origin_failures=local,
        split_external_local_origin_errors=split.flag() if split else False,
        interval=_seconds(value, "interval") or default.interval,
        base_ejection_time=_seconds(value, "baseEjectionTime") or default.base_ejection_time,
        max_ejection_percent=(ejected.whole(0, 100) if ejected else 0) or default.max_ejection_percent,
        min_health_percent=healthy.whole(0, 100) if healthy else default.min_health_percent,
        location=value.location,
    )
