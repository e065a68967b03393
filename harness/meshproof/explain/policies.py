"""The traffic policy that is in force for a destination, and where each value of it stands."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.explain.explanation import Setting
from meshproof.explain.manifests import Written, field, leaves, place_of, text
from meshproof.explain.wording import seconds
from meshproof.language.words import Words
from meshproof.manifest.value import Value
from meshproof.mesh.model.destination_rule import (
    DestinationRule,
    LoadBalancer,
    OutlierDetection,
    TrafficPolicy,
)
from meshproof.mesh.predict.policies.policy import Layers

BALANCER, POOL, OUTLIER, TLS = "loadBalancer", "connectionPool", "outlierDetection", "tls"
BUDGET = "retryBudget"
BLOCKS = (BALANCER, POOL, OUTLIER, BUDGET, TLS)


def default(words: Words) -> str:
    """Whose a value is that no manifest states."""
    return words("Istio's default")


def settings(layers: Layers, port: int, written: Written, words: Words) -> Iterator[Setting]:
    """What is in force, block by block, and after each block what is written and not in force."""
    unstated = {
        BALANCER: "LEAST_REQUEST",
        POOL: words("no limits"),
        OUTLIER: words("none: no pod is ejected"),
    }
    levels = list(_levels(layers, port, written, words))
    for block in BLOCKS:
        stating = [level for level in levels if level.states(block)]
        if not stating:
            if block in unstated:
                yield Setting(block, unstated[block], default(words))
            continue
        first = next((level for level in stating if not level.replaced_by), None)
        if first is None and block in unstated:
            yield Setting(block, unstated[block], default(words))
        if first is not None:
            yield from first.values(block, words)
        for level in stating:
            if level is not first:
                place, reason = place_of(field(level.raw, block)), first.name if first else level.replaced_by
                value, why = words("that of {level}", level=level.name), words("{level} replaces it", level=reason)
                yield Setting(block, value, why, place, counts=False)


class _Level:
    """One place that may state a policy; `replaced_by` is what replaces it altogether."""

    def __init__(self, name: str, policy: TrafficPolicy, raw: Value | None, replaced_by: str = "") -> None:
        self.name, self.policy, self.raw, self.replaced_by = name, policy, raw, replaced_by

    def states(self, block: str) -> bool:
        if block == BALANCER:
            return self.policy.load_balancer is not LoadBalancer.UNSPECIFIED
        if block == POOL:
            return self.policy.connection_pool is not None
        if block == OUTLIER:
            return self.policy.outlier_detection is not None
        return field(self.raw, block) is not None

    def values(self, block: str, words: Words) -> Iterator[Setting]:
        found = field(self.raw, block)
        given = dict(leaves(found, block)) if found is not None and found.is_mapping else {}
        for name, value in given.items():
            if value.data is not None:
                yield Setting(name, text(value), self.name, place_of(value))
        if block == OUTLIER:
            for name, value_ in _unstated():
                if f"{block}.{name}" not in given:
                    yield Setting(f"{block}.{name}", value_, default(words))


def _unstated() -> Iterator[tuple[str, str]]:
    """What istiod takes where outlierDetection is there and leaves these out."""
    default = OutlierDetection()
    yield "consecutive5xxErrors", str(default.consecutive_5xx_errors)
    yield "interval", seconds(default.interval)
    yield "baseEjectionTime", seconds(default.base_ejection_time)
    yield "maxEjectionPercent", str(default.max_ejection_percent)


def _levels(layers: Layers, port: int, written: Written, words: Words) -> Iterator[_Level]:
    """The places, the one that counts most in front."""
    alone = layers.own_level == "subset port" and layers.own is not None
    rule, subset, owner, by = layers.rule, layers.subset, layers.subset_rule, ""
    if subset is not None and owner is not None:
        raw = next((one for one in _subsets(owner, written) if one.location == subset.location), None)
        whole, name = field(raw, "trafficPolicy"), words("subset {name} of {rule}", name=subset.name, rule=owner.called)
        if alone and layers.own is not None:
            by = words("port {port} of {owner}", port=port, owner=name)
            yield _Level(by, layers.own, _of_port(whole, port))
        yield _Level(name, subset.policy, whole, by)
    if rule is not None:
        whole, name = _raw(rule, written, "trafficPolicy"), rule.called
        of_port = words("port {port} of {owner}", port=port, owner=name) if layers.base_level == "port" else ""
        if of_port:
            yield _Level(of_port, layers.base, _of_port(whole, port), by)
        yield _Level(name, rule.policy, whole, by or of_port)


def _raw(rule: DestinationRule, written: Written, *path: str) -> Value | None:
    found = written.owner(rule.location)
    return field(found.body, "spec", *path) if found else None


def _subsets(rule: DestinationRule, written: Written) -> tuple[Value, ...]:
    found = _raw(rule, written, "subsets")
    return found.data if found is not None and isinstance(found.data, tuple) else ()


def _of_port(policy: Value | None, port: int) -> Value | None:
    found = field(policy, "portLevelSettings")
    for one in found.data if found is not None and isinstance(found.data, tuple) else ():
        number = field(one, "port", "number")
        if number is not None and number.data == port:
            return one
    return None
