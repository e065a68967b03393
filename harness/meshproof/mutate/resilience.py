"""Faults, timeouts and retries of a route."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from meshproof.manifest.value import Value
from meshproof.mutate.change import dropped, dropped_of_several, label, lasting, other_than, percentage, shares
from meshproof.mutate.edit import fresh, put, without
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "VirtualService"
RULE = "spec.http[]"
HALF = Fraction(1, 2)
STATUSES = (503, 500)


def fault_share_changed(spot: Spot) -> Iterator[Edit]:
    """Another percentage of an abort or a delay; one without has none."""
    fault = spot.value
    given, old = fault.get("percentage"), fault.get("percent")
    number = given.get("value") if given else old
    share = number.number() if number else Fraction(0)
    place: Value = number or fault
    for what, new in shares(share):
        changed = put(without(fault, ("percent",)), ("percentage",), percentage(new, place))
        yield Edit(f"{label(spot)} of {float(share):g} % {what}", changed, place.location)


def attempts_changed(spot: Spot) -> Iterator[Edit]:
    """One more, and one less down to none."""
    number = spot.value.whole()
    for new in (number + 1, number - 1):
        if new >= 0:
            yield Edit(f"attempts {number} → {new}", fresh(new, spot.value))


def condition_dropped(spot: Spot) -> Iterator[Edit]:
    """Each of several conditions of retryOn goes."""
    conditions = [one.strip() for one in spot.value.text().split(",")]
    for gone in conditions if len(conditions) > 1 else ():
        rest = ",".join(one for one in conditions if one != gone)
        yield Edit(f"retryOn without {gone}", fresh(rest, spot.value))


RESILIENCE = (
    Operator("fault-dropped", KIND, (f"{RULE}.fault",), dropped),
    Operator("fault-part-dropped", KIND, (f"{RULE}.fault.abort", f"{RULE}.fault.delay"), dropped_of_several),
    Operator("fault-share-changed", KIND, (f"{RULE}.fault.abort", f"{RULE}.fault.delay"), fault_share_changed),
    Operator("fault-status-changed", KIND, (f"{RULE}.fault.abort.httpStatus",), other_than(*STATUSES)),
    Operator("fault-delay-changed", KIND, (f"{RULE}.fault.delay.fixedDelay",), lasting(HALF, 2)),
    Operator("timeout-dropped", KIND, (f"{RULE}.timeout",), dropped),
    Operator("timeout-changed", KIND, (f"{RULE}.timeout",), lasting(HALF, 2)),
    Operator("retries-dropped", KIND, (f"{RULE}.retries",), dropped),
    Operator("retries-changed", KIND, (f"{RULE}.retries.attempts",), attempts_changed),
    Operator("try-timeout-dropped", KIND, (f"{RULE}.retries.perTryTimeout",), dropped),
    Operator("try-timeout-changed", KIND, (f"{RULE}.retries.perTryTimeout",), lasting(HALF, 2)),
    Operator("retry-condition-dropped", KIND, (f"{RULE}.retries.retryOn",), dropped),
    Operator("retry-condition-fewer", KIND, (f"{RULE}.retries.retryOn",), condition_dropped),
)
