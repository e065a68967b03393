"""DestinationRules: subsets, connection pools and outlier detection."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations

from meshproof.mutate.change import appended, counted, dropped, dropped_of_several, flipped, lasting, renamed, shares
from meshproof.mutate.edit import fresh
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "DestinationRule"
POLICIES = tuple(
    f"{holder}{port}"
    for holder in ("spec.trafficPolicy", "spec.subsets[].trafficPolicy")
    for port in ("", ".portLevelSettings[]")
)
TCP_LIMITS = ("maxConnections",)
HTTP_LIMITS = ("http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection", "maxRetries")
BALANCERS = ("LEAST_REQUEST", "RANDOM", "ROUND_ROBIN")
DETECTORS = ("consecutive5xxErrors", "consecutiveGatewayErrors", "consecutiveLocalOriginFailures")
PERCENTAGES = ("maxEjectionPercent", "minHealthPercent")
THIRD = Fraction(1, 3)
# Of a share: more than any tolerance.
POINTS = 10


def relabelled(spot: Spot) -> Iterator[Edit]:
    """A subset's label with the value that another subset has, and with one that no pod has."""
    name = str(spot.path[-1])
    own = spot.value.text()
    others = [
        label.text()
        for subset in spot.resource.body.need("spec").list("subsets")
        if (labels := subset.get("labels")) and (label := labels.get(name)) and label.text() != own
    ]
    for new in (*dict.fromkeys(others), f"{own}-none"):
        yield Edit(f"label {name} {own!r} → {new!r}", fresh(new, spot.value))


def percent_changed(spot: Spot) -> Iterator[Edit]:
    """The whole, half, and none of a percentage."""
    now = spot.value.whole(0, 100)
    for new in dict.fromkeys((100, now // 2, 0)):
        if new != now:
            yield Edit(f"{spot.value.name} {now} → {new}", fresh(new, spot.value))


def budget_changed(spot: Spot) -> Iterator[Edit]:
    """Other percentages."""
    now = Fraction(spot.value.number())
    for what, new in shares(now):
        yield Edit(f"percent {spot.value.shown} {what}", fresh(float(new), spot.value))


def minimum_changed(spot: Spot) -> Iterator[Edit]:
    """Thirty points more of a percentage that a pod begins with, and less."""
    now = float(spot.value.number())
    for new in (now + 30, now - 30):
        if 0 <= new <= 100:
            yield Edit(f"minimumPercent {now:g} → {new:g}", fresh(new, spot.value))


def aggression_changed(spot: Spot) -> Iterator[Edit]:
    """Twice an aggression, and half of it."""
    now = float(spot.value.number())
    for new in (now * 2, now / 2):
        yield Edit(f"aggression {now:g} → {new:g}", fresh(new, spot.value))


def balancer_changed(spot: Spot) -> Iterator[Edit]:
    """Each other load balancer that is no hash."""
    old = spot.value.text()
    for new in BALANCERS:
        if new != old:
            yield Edit(f"simple {old} → {new}", fresh(new, spot.value))


def unnamed(spot: Spot) -> Iterator[Edit]:
    """A port that says HTTP/2 or gRPC is one of HTTP/1.1."""
    said = spot.value.text()
    if said.startswith(("grpc", "http2", "kubernetes.io/h2c")):
        yield Edit(f"{spot.value.name} {said} → http", fresh("http", spot.value))


def _each(*fields: str) -> tuple[str, ...]:
    return tuple(f"{policy}.{one}" for policy in POLICIES for one in fields)


def _pool(*, durations: bool) -> tuple[str, ...]:
    if durations:
        return _each(
            "connectionPool.tcp.connectTimeout", "connectionPool.tcp.idleTimeout", "connectionPool.http.idleTimeout"
        )
    tcp = _each(*(f"connectionPool.tcp.{one}" for one in TCP_LIMITS))
    return tcp + _each(*(f"connectionPool.http.{one}" for one in HTTP_LIMITS))


def _budget(field: str) -> tuple[str, ...]:
    """Settings of a port have none."""
    return tuple(f"{policy}.retryBudget{field}" for policy in POLICIES[::2])


def _outlier(*fields: str) -> tuple[str, ...]:
    return _each(*(f"outlierDetection.{one}" for one in fields))


def _hashed(*fields: str) -> tuple[str, ...]:
    return _each(*(f"loadBalancer.consistentHash.{one}" for one in fields))


def shares_moved(spot: Spot) -> Iterator[Edit]:
    """Ten points of `distribute` go from one place to the next, and back."""
    shares = {place: share.whole() for place, share in spot.value.fields().items()}
    for giver, taker in permutations(shares, 2):
        if shares[giver] > POINTS:
            new = {**shares, giver: shares[giver] - POINTS, taker: shares[taker] + POINTS}
            yield Edit(f"{POINTS} points of {giver} → {taker}", fresh(new, spot.value))


def _locality(*fields: str) -> tuple[str, ...]:
    return _each(*(f"loadBalancer.localityLbSetting{one}" for one in fields))


PERIODS = ("interval", "baseEjectionTime")
PROTOCOLS = ("useClientProtocol", "h2UpgradePolicy")
FLAG = "splitExternalLocalOriginErrors"
POLICY = (
    Operator("rule-host-wrong", KIND, ("spec.host",), renamed("no-such-")),
    Operator("subset-dropped", KIND, ("spec.subsets[]",), dropped_of_several),
    Operator("subset-relabelled", KIND, ("spec.subsets[].labels.*",), relabelled),
    Operator("subset-label-dropped", KIND, ("spec.subsets[].labels.*",), dropped),
    Operator("policy-dropped", KIND, POLICIES[::2], dropped),
    Operator("hash-dropped", KIND, _each("loadBalancer.consistentHash"), dropped),
    Operator(
        "hash-key-changed",
        KIND,
        _hashed("httpHeaderName", "httpCookie.name", "httpQueryParameterName"),
        appended("-other"),
    ),
    Operator(
        "hash-key-dropped",
        KIND,
        _hashed("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"),
        dropped,
    ),
    Operator("hash-cookie-ttl-changed", KIND, _hashed("httpCookie.ttl"), lasting(3)),
    Operator("hash-cookie-ttl-dropped", KIND, _hashed("httpCookie.ttl"), dropped),
    Operator("balancer-changed", KIND, _each("loadBalancer.simple"), balancer_changed),
    Operator("warm-up-dropped", KIND, _each("loadBalancer.warmup", "loadBalancer.warmupDurationSecs"), dropped),
    Operator(
        "warm-up-time-changed",
        KIND,
        _each("loadBalancer.warmup.duration", "loadBalancer.warmupDurationSecs"),
        lasting(3, THIRD),
    ),
    Operator("warm-up-minimum-changed", KIND, _each("loadBalancer.warmup.minimumPercent"), minimum_changed),
    Operator("warm-up-aggression-changed", KIND, _each("loadBalancer.warmup.aggression"), aggression_changed),
    Operator("origination-dropped", KIND, _each("tls"), dropped),
    Operator("origination-name-changed", KIND, _each("tls.sni"), renamed("no-such-")),
    Operator("origination-name-dropped", KIND, _each("tls.sni"), dropped),
    Operator("verified-name-changed", KIND, _each("tls.subjectAltNames[]"), renamed("no-such-")),
    Operator("locality-dropped", KIND, _locality(""), dropped),
    Operator("locality-shares-moved", KIND, _locality(".distribute[].to"), shares_moved),
    Operator("locality-client-changed", KIND, _locality(".distribute[].from"), renamed("no-such-")),
    Operator("failover-dropped", KIND, _locality(".failover[]", ".failoverPriority[]"), dropped),
    Operator("distribution-dropped", "Service", ("spec.trafficDistribution",), dropped),
    Operator("failover-target-changed", KIND, _locality(".failover[].to"), renamed("no-such-")),
    Operator("pool-dropped", KIND, _each("connectionPool"), dropped),
    Operator("limit-raised", KIND, _pool(durations=False), counted(more=(1,), times=(10,))),
    Operator("limit-lowered", KIND, _pool(durations=False), counted(less=(1,))),
    Operator("limit-dropped", KIND, _pool(durations=False), dropped),
    Operator("pool-time-changed", KIND, _pool(durations=True), lasting(3, THIRD)),
    Operator("pool-time-dropped", KIND, _pool(durations=True), dropped),
    Operator("retry-budget-dropped", KIND, _budget(""), dropped),
    Operator("retry-budget-percent-changed", KIND, _budget(".percent"), budget_changed),
    Operator(
        "retry-budget-least-changed", KIND, _budget(".minRetryConcurrency"), counted(more=(1,), times=(3,), less=(1,))
    ),
    Operator("outlier-dropped", KIND, _each("outlierDetection"), dropped),
    Operator("outlier-setting-dropped", KIND, _outlier(*DETECTORS, *PERIODS, *PERCENTAGES, FLAG), dropped),
    Operator("outlier-count-changed", KIND, _outlier(*DETECTORS), counted(more=(1,), times=(3,), less=(1,))),
    Operator("outlier-time-changed", KIND, _outlier(*PERIODS), lasting(3, THIRD)),
    Operator("outlier-percent-changed", KIND, _outlier(*PERCENTAGES), percent_changed),
    Operator("outlier-flag-flipped", KIND, _outlier(FLAG), flipped),
    Operator("protocol-dropped", "Service", ("spec.ports[].name", "spec.ports[].appProtocol"), unnamed),
    Operator("protocol-policy-dropped", KIND, _each(*(f"connectionPool.http.{one}" for one in PROTOCOLS)), dropped),
)
