"""`localityLbSetting` of load balancers: which pods of a destination are called, by where they are.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting; what is refused
is that of istio/istio pkg/config/validation/agent (ValidateLocalityLbSetting), what counts when that of
pilot/pkg/networking/core/loadbalancer (GetEffectiveLbSetting, ApplyLocalityLoadBalancer).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.locality import (
    DISTRIBUTION,
    REGION,
    SUBZONE,
    ZONE,
    Distribution,
    LocalitySetting,
    Nearness,
)

FAILING_OVER = ("failover", "failoverPriority")
TOPOLOGY = frozenset({REGION, ZONE, SUBZONE})
WHOLE = 100
# Region, zone and subzone; what is left out of a locality is any.
LEVELS, ALL = 3, ("*", "*")

# An older form of `trafficDistribution`, which ServiceEntries and Namespaces have, too: pilot/pkg/model/service.go
# (GetTrafficDistribution), where other words prefer nothing.
ANNOTATION = "networking.istio.io/traffic-distribution"
PREFERRED = {"preferclose": Nearness.ZONE, "prefersamezone": Nearness.ZONE, "prefersamenode": Nearness.NODE}


def distribution(resource: Resource) -> Distribution | None:
    """Which pods are preferred by what a Service, ServiceEntry or Namespace says; None where it says nothing."""
    spec, metadata = resource.body.get("spec"), resource.body.get("metadata")
    said = spec.get(DISTRIBUTION) if spec and resource.kind == "Service" else None
    if said and said.data:
        return Distribution(PREFERRED[said.text().lower()], said.key or said.location)
    annotations = metadata.get("annotations") if metadata else None
    found = annotations.get(ANNOTATION) if annotations else None
    if found is None or not found.text_form:
        return None
    preferred = PREFERRED.get(found.text_form.lower(), Nearness.ANY)
    return Distribution(preferred, found.key or found.location)


def locality(holder: Value) -> LocalitySetting | None:
    """What a load balancer, or the mesh, says of localities; raises ManifestError where istiod refuses it."""
    setting = holder.get("localityLbSetting")
    if setting is None:
        return None
    _check(setting)
    enabled = setting.get("enabled")
    return LocalitySetting(
        enabled.flag() if enabled else True,
        tuple(
            (_text(one, "from"), tuple((to, weight.whole()) for to, weight in one.need("to").fields().items()))
            for one in setting.list("distribute")
        ),
        tuple((_text(one, "from"), _text(one, "to")) for one in setting.list("failover")),
        tuple(one.text() for one in setting.list("failoverPriority")),
        (setting.key or setting.location),
    )


def without_effect(spec: Value, findings: Findings) -> None:
    """Say what of the settings of a DestinationRule counts for nothing."""
    policies = [*_policies(spec)]
    ejecting = any(one.get("outlierDetection") for one in policies)
    for policy in policies:
        balancing = policy.get("loadBalancer")
        setting = balancing.get("localityLbSetting") if balancing else None
        if setting is not None:
            _tell(setting, findings, ejecting=ejecting)


def _policies(spec: Value) -> Iterator[Value]:
    """All traffic policies of a rule, those of its subsets and ports too."""
    for holder in (spec, *spec.list("subsets")):
        if policy := holder.get("trafficPolicy"):
            yield policy
            yield from policy.list("portLevelSettings")


def _tell(setting: Value, findings: Findings, *, ejecting: bool) -> None:
    enabled = setting.get("enabled")
    given = [one for name in ("distribute", *FAILING_OVER) if (one := setting.get(name)) and one.data]
    for one in given:
        if enabled and not enabled.flag():
            findings.notice(one.location, f"{one.name} has no effect beside enabled: false", Topic.NO_EFFECT)
        elif one.name in FAILING_OVER and setting.list("distribute"):
            findings.notice(one.location, f"{one.name} has no effect beside distribute", Topic.NO_EFFECT)
        elif one.name in FAILING_OVER and not ejecting:
            text = f"{one.name} has no effect without outlierDetection: nothing else tells that a pod does not answer"
            findings.notice(one.location, text, Topic.NO_EFFECT)


def _text(holder: Value, name: str) -> str:
    found = holder.get(name)
    return found.text() if found else ""


def _check(setting: Value) -> None:
    distribute, failover = setting.list("distribute"), setting.list("failover")
    if distribute and failover:
        raise setting.need("failover").problem("localityLbSetting has both distribute and failover", "keep one of them")
    for one in setting.list("failoverPriority") if failover else ():
        if one.text() in TOPOLOGY:
            raise one.problem(
                f"failover stands beside failoverPriority {one.text()}", "istiod refuses the two together"
            )
    _check_localities((one.text() if one else "", one or entry) for entry in distribute for one in (entry.get("from"),))
    for entry in distribute:
        places = entry.need("to").fields()
        _check_localities(places.items())
        weights = [one.whole(1, WHOLE) for one in places.values()]
        if sum(weights) != WHOLE:
            raise entry.problem(f"the weights sum to {sum(weights)}, not to {WHOLE}", "istiod refuses it")
    for entry in failover:
        start, end = _text(entry, "from"), _text(entry, "to")
        if start == end:
            raise entry.problem("failover leads from a region to itself", "istiod refuses it")
        if any(one in start + end for one in "/*"):
            raise entry.problem("failover is from a region to a region", "istiod refuses zones and * there")


def _check_localities(places: Iterable[tuple[str, Value]]) -> None:
    """Raise ManifestError for a place that is none, or that one before it covers (istiod's validateLocalities)."""
    known: dict[str, dict[str, set[str]]] = {}
    for text, value in places:
        parts = text.split("/", LEVELS - 1)
        if "" in parts:
            raise value.problem(f"{text!r} is no locality", "region, region/zone or region/zone/subzone")
        if "*" in text.removesuffix("*"):
            raise value.problem(f"{text!r}: a * stands at the end of a locality alone", "istiod refuses it")
        region, zone, subzone = (*parts, *ALL)[:LEVELS]
        zones = known.get(region, {})
        subzones = zones.get(zone, set())
        taken = "*" in known or "*" in zones or "*" in subzones or subzone in subzones
        if taken or (len(parts) < LEVELS and (subzones or (len(parts) == 1 and zones))):
            raise value.problem(f"the locality {text} overlaps with one before it", "istiod refuses it")
        known.setdefault(region, {}).setdefault(zone, set()).add(subzone)
