"""ServiceEntries: their hosts and ports, and the endpoints behind them; and what ExternalNames stand for."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mutate.change import appended, counted, dropped, dropped_of_several, other_than
from meshproof.mutate.edit import fresh, put
from meshproof.mutate.operator import Edit, Operator, Spot
from meshproof.mutate.rules import host_widened, host_wrong

KIND = "ServiceEntry"
ENDPOINT = "spec.endpoints[]"
DEFAULT_WEIGHT = 1
# Of a network that is for documentation: nobody answers there (RFC 5737).
NOBODY = "192.0.2.254"


def address_wrong(spot: Spot) -> Iterator[Edit]:
    """An address that nothing has, of the same kind: a name, or four numbers."""
    old = spot.value.text()
    new = NOBODY if old.replace(".", "").isdecimal() else f"no-such-{old}"
    if new != old:
        yield Edit(f"address {old!r} → {new!r}", fresh(new, spot.value))


def endpoint_weight_changed(spot: Spot) -> Iterator[Edit]:
    """Three times the weight, where another endpoint keeps its own."""
    several = spot.resource.body.need("spec").list("endpoints")
    if len(several) > 1:
        given = spot.value.get("weight")
        old = given.whole() if given else DEFAULT_WEIGHT
        new = max(1, old) * 3
        changed = put(spot.value, ("weight",), fresh(new, given or spot.value))
        yield Edit(f"weight {old} → {new}", changed, given.location if given else None)


SERVICE_ENTRIES = (
    Operator("service-entry-dropped", KIND, ("",), dropped),
    Operator("entry-host-wrong", KIND, ("spec.hosts[]",), host_wrong),
    Operator("entry-host-widened", KIND, ("spec.hosts[]",), host_widened),
    Operator("entry-host-dropped", KIND, ("spec.hosts[]",), dropped_of_several),
    Operator("entry-port-wrong", KIND, ("spec.ports[].number",), counted(more=(1,))),
    Operator("entry-port-dropped", KIND, ("spec.ports[]",), dropped_of_several),
    Operator("entry-protocol-wrong", KIND, ("spec.ports[].protocol",), other_than("TCP", "HTTP")),
    Operator("endpoint-dropped", KIND, (ENDPOINT,), dropped_of_several),
    Operator("endpoint-address-wrong", KIND, (f"{ENDPOINT}.address",), address_wrong),
    Operator("endpoint-port-wrong", KIND, (f"{ENDPOINT}.ports.*",), counted(more=(1,))),
    Operator("endpoint-label-wrong", KIND, (f"{ENDPOINT}.labels.*",), appended("-none")),
    Operator("endpoint-weight-changed", KIND, (ENDPOINT,), endpoint_weight_changed),
    Operator("entry-selector-wrong", KIND, ("spec.workloadSelector.labels.*",), appended("-none")),
    Operator("external-name-wrong", "Service", ("spec.externalName",), host_wrong),
)
