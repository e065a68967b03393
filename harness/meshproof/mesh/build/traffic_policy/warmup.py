"""`warmup` of a load balancer: pods that are new get fewer requests for a while.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#WarmupConfiguration; what counts is that of
istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go (setWarmup), what is refused of pkg/config/validation.
"""

from __future__ import annotations

from dataclasses import replace

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.destination_rule import LoadBalancer, Warmup
from meshproof.mesh.model.topic import Topic

SLOW = frozenset({LoadBalancer.LEAST_REQUEST, LoadBalancer.ROUND_ROBIN})


def warmup(value: Value, balancer: LoadBalancer, findings: Findings) -> Warmup | None:
    """Read it from a `loadBalancer`; None where there is none, or it counts for nothing."""
    given, old = value.get("warmup"), value.get("warmupDurationSecs")
    found = _warmup(given) if given else Warmup(old.duration()) if old else None
    where = given or old
    if found is None or where is None:
        return None
    if balancer is LoadBalancer.CONSISTENT_HASH:
        findings.unproved(where.key or where.location, f"{where.name} beside consistentHash is not modelled")
        return None
    if balancer not in SLOW:
        findings.notice(where.location, f"{where.name} has no effect with simple: {balancer.value}", Topic.NO_EFFECT)
        return None
    return replace(found, location=where.location)


def _warmup(value: Value) -> Warmup:
    duration = value.need("duration", "how long a pod is new")
    least, aggression = value.get("minimumPercent"), value.get("aggression")
    if least and not 0 <= least.number() <= 100:
        raise least.problem("minimumPercent is at most 100", "istiod refuses it")
    if aggression and aggression.number() <= 0:
        raise aggression.problem("aggression is above 0", "istiod refuses it")
    return Warmup(
        duration.duration(),
        float(aggression.number()) if aggression else 1.0,
        float(least.number()) if least else 10.0,
    )
