"""Who sees a resource, and which host it is for: `exportTo`, Sidecars, narrower hosts, and a rule's delegate."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mutate.change import appended, dropped, dropped_of_several, label, other_than
from meshproof.mutate.edit import fresh, put, without
from meshproof.mutate.operator import Edit, Operator, Spot

# A name that no namespace has, and a domain below any other.
NOBODY, BELOW = "no-such-namespace", "narrower"
SEEN_BY_ALL = "*"
EVERYTHING, EXCLUDED = "*/*", "~"
IMPORTED = "spec.egress[].hosts[]"
ANNOTATION = "networking.istio.io/exportTo"


def export_narrowed(spot: Spot) -> Iterator[Edit]:
    """What all namespaces see is seen by its own alone, and by none."""
    given = spot.value.get("exportTo")
    seen = [one.data for one in given.items()] if given else [SEEN_BY_ALL]
    for new in (".", NOBODY) if seen == [SEEN_BY_ALL] else (NOBODY,):
        changed = put(spot.value, ("exportTo",), fresh([new], given or spot.value))
        yield Edit(f"exportTo {', '.join(map(str, seen))} → {new}", changed, given.location if given else None)


def export_widened(spot: Spot) -> Iterator[Edit]:
    """What some namespaces see is seen by all."""
    if [one.data for one in spot.value.items()] != [SEEN_BY_ALL]:
        yield Edit("exportTo dropped", None)


def annotation_dropped(spot: Spot) -> Iterator[Edit]:
    """A Service that some namespaces see is seen by all."""
    if found := spot.value.get(ANNOTATION):
        yield Edit(f"{ANNOTATION} {found.shown} dropped", without(spot.value, (ANNOTATION,)), found.key)


def host_narrowed(spot: Spot) -> Iterator[Edit]:
    """Of all names in a domain those in one below it."""
    holder, slash, host = spot.value.text().rpartition("/")
    if host.startswith("*."):
        new = f"{holder}{slash}*.{BELOW}{host[1:]}"
        yield Edit(f"{label(spot)} {spot.value.shown} → {new!r}", fresh(new, spot.value))


def taken_from_others(spot: Spot) -> Iterator[Edit]:
    """A server's host for the VirtualServices of a namespace that has none."""
    holder, _, host = spot.value.text().rpartition("/")
    if holder != NOBODY:
        new = f"{NOBODY}/{host}"
        yield Edit(f"{label(spot)} {spot.value.shown} → {new!r}", fresh(new, spot.value))


def imported_everywhere(spot: Spot) -> Iterator[Edit]:
    """What a Sidecar imports of one namespace it imports of all."""
    if spot.value.text() != EVERYTHING and not spot.value.text().startswith(EXCLUDED):
        yield Edit(f"{label(spot)} {spot.value.shown} → {EVERYTHING!r}", fresh(EVERYTHING, spot.value))


def imported_from_nobody(spot: Spot) -> Iterator[Edit]:
    """What a Sidecar imports, or excludes, is that of a namespace that has none."""
    holder, _, host = spot.value.text().rpartition("/")
    new = f"{EXCLUDED if holder.startswith(EXCLUDED) else ''}{NOBODY}/{host}"
    yield Edit(f"{label(spot)} {spot.value.shown} → {new!r}", fresh(new, spot.value))


def delegate_exchanged(spot: Spot) -> Iterator[Edit]:
    """Each other VirtualService without hosts in the delegate's namespace."""
    own, given = spot.value.need("name"), spot.value.get("namespace")
    namespace = given.text() if given else spot.resource.namespace
    for other in spot.around.of_kind("VirtualService"):
        spec = other.body.get("spec") if other.namespace == namespace else None
        if spec is not None and not spec.list("hosts") and other.name != own.data:
            changed = put(spot.value, ("name",), fresh(other.name, own))
            yield Edit(f"delegate {own.shown} → {other.name!r}", changed, own.location)


def _exported(name: str, kind: str) -> tuple[Operator, ...]:
    return (
        Operator(f"{name}-export-narrowed", kind, ("spec",), export_narrowed),
        Operator(f"{name}-export-widened", kind, ("spec.exportTo",), export_widened),
        Operator(f"{name}-export-entry-dropped", kind, ("spec.exportTo[]",), dropped_of_several),
    )


VISIBILITY = (
    *_exported("virtual-service", "VirtualService"),
    *_exported("destination-rule", "DestinationRule"),
    *_exported("service-entry", "ServiceEntry"),
    Operator("service-export-widened", "Service", ("metadata.annotations",), annotation_dropped),
    Operator("host-narrowed", "VirtualService", ("spec.hosts[]",), host_narrowed),
    Operator("server-host-narrowed", "Gateway", ("spec.servers[].hosts[]",), host_narrowed),
    Operator("server-host-taken", "Gateway", ("spec.servers[].hosts[]",), taken_from_others),
    Operator("sidecar-dropped", "Sidecar", ("",), dropped),
    Operator("sidecar-listener-dropped", "Sidecar", ("spec.egress[]",), dropped_of_several),
    Operator("sidecar-host-dropped", "Sidecar", (IMPORTED,), dropped_of_several),
    Operator("sidecar-host-widened", "Sidecar", (IMPORTED,), imported_everywhere),
    Operator("sidecar-host-wrong", "Sidecar", (IMPORTED,), imported_from_nobody),
    Operator("sidecar-selector-wrong", "Sidecar", ("spec.workloadSelector.labels.*",), appended("-x")),
    Operator(
        "sidecar-mode-exchanged",
        "Sidecar",
        ("spec.outboundTrafficPolicy.mode",),
        other_than("REGISTRY_ONLY", "ALLOW_ANY"),
    ),
    Operator("delegate-exchanged", "VirtualService", ("spec.http[].delegate",), delegate_exchanged),
)
