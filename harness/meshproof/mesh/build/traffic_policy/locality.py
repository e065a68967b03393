"""`localityLbSetting` of load balancers: which pods of a destination are called, by where they are.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting; what is refused
is that of istio/istio pkg/config/validation/agent (ValidateLocalityLbSetting), what counts when that of
pilot/pkg/networking/core/loadbalancer (GetEffectiveLbSetting, ApplyLocalityLoadBalancer).
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.topic import Topic

FAILING_OVER = ("failover", "failoverPriority")
TOPOLOGY = frozenset({f"topology.kubernetes.io/{one}" for one in ("region", "zone")} | {"topology.istio.io/subzone"})
WHOLE = 100


def localities(spec: Value, findings: Findings) -> None:
    """Say what is not modelled of those of a DestinationRule, or counts for nothing."""
    policies = [*_policies(spec)]
    ejecting = any(one.get("outlierDetection") for one in policies)
    for policy in policies:
        balancing = policy.get("loadBalancer")
        setting = balancing.get("localityLbSetting") if balancing else None
        if setting is not None:
            with findings.gather():
                _locality(setting, findings, ejecting=ejecting)


def _policies(spec: Value) -> Iterator[Value]:
    """All traffic policies of a rule, those of its subsets and ports too."""
    for holder in (spec, *spec.list("subsets")):
        if policy := holder.get("trafficPolicy"):
            yield policy
            yield from policy.list("portLevelSettings")


def _locality(setting: Value, findings: Findings, *, ejecting: bool) -> None:
    _check(setting)
    enabled = setting.get("enabled")
    given = [one for name in ("distribute", *FAILING_OVER) if (one := setting.get(name)) and one.data]
    if enabled and not enabled.flag():
        for one in given:
            findings.notice(one.location, f"{one.name} has no effect beside enabled: false", Topic.NO_EFFECT)
        return
    for one in given:
        if one.name in FAILING_OVER and setting.list("distribute"):
            findings.notice(one.location, f"{one.name} has no effect beside distribute", Topic.NO_EFFECT)
        elif one.name in FAILING_OVER and not ejecting:
            text = f"{one.name} has no effect without outlierDetection: nothing else tells that a pod does not answer"
            findings.notice(one.location, text, Topic.NO_EFFECT)
        else:
            why = f"{one.name} of localityLbSetting is not modelled: where pods are is not told here"
            findings.unproved(one.key or one.location, why)


def _check(setting: Value) -> None:
    distribute, failover = setting.list("distribute"), setting.list("failover")
    if distribute and failover:
        raise setting.need("failover").problem("localityLbSetting has both distribute and failover", "keep one of them")
    for one in setting.list("failoverPriority") if failover else ():
        if one.text() in TOPOLOGY:
            raise one.problem(
                f"failover stands beside failoverPriority {one.text()}", "istiod refuses the two together"
            )
    for entry in distribute:
        weights = [one.whole(1, WHOLE) for one in entry.need("to").fields().values()]
        if sum(weights) != WHOLE:
            raise entry.problem(f"the weights sum to {sum(weights)}, not to {WHOLE}", "istiod refuses it")
    for entry in failover:
        start, end = (found.text() if (found := entry.get(name)) else "" for name in ("from", "to"))
        if start == end:
            raise entry.problem("failover leads from a region to itself", "istiod refuses it")
        if any(one in start + end for one in "/*"):
            raise entry.problem("failover is from a region to a region", "istiod refuses zones and * there")
