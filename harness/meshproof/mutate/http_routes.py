"""HTTPRoutes of the Gateway API: their rules, matches, backends, filters and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import permutations

from meshproof.manifest.value import Value
from meshproof.mutate.change import appended, counted, dropped, dropped_of_several, label, lasting, other_than, renamed
from meshproof.mutate.edit import fresh, put
from meshproof.mutate.operator import Edit, Operator, Spot
from meshproof.mutate.rules import host_wrong, rules_swapped, widened_beside

KIND = "HTTPRoute"
RULE = "spec.rules[]"
MATCH, BACKEND = f"{RULE}.matches[]", f"{RULE}.backendRefs[]"
FILTERS = (f"{RULE}.filters[]", f"{BACKEND}.filters[]")
MODIFIERS = tuple(f"{one}.{side}HeaderModifier" for one in FILTERS for side in ("request", "response"))
WRITTEN = tuple(f"{one}.{verb}[]" for one in MODIFIERS for verb in ("set", "add"))
REDIRECT = f"{RULE}.filters[].requestRedirect"
PATHS = tuple(
    f"{RULE}.filters[].{one}.path.{field}"
    for one in ("urlRewrite", "requestRedirect")
    for field in ("replaceFullPath", "replacePrefixMatch")
)
POINTS = (5, 10, 20)
DEFAULT_WEIGHT = 1
HALF = Fraction(1, 2)
WHOLE_PERCENT = 100


def weights_shifted(spot: Spot) -> Iterator[Edit]:
    """Some points of the whole go from one backend to its neighbour; the weights are written in hundredths."""
    weights = [weight.whole() if (weight := one.get("weight")) else DEFAULT_WEIGHT for one in spot.value.items()]
    total = sum(weights)
    if len(weights) < 2 or not total:
        return
    for points in POINTS:
        for giver, taker in permutations(range(len(weights)), 2):
            new = [weight * WHOLE_PERCENT for weight in weights]
            new[giver] -= points * total
            new[taker] += points * total
            if abs(giver - taker) == 1 and new[giver] >= 0:
                yield _weighted(spot.value, weights, new)


def widened(spot: Spot) -> Iterator[Edit]:
    """A condition that more values meet."""
    kind, text = _condition(spot.value)
    is_path = spot.path[-1] == "path"
    if is_path and kind == "Exact":
        yield _to(spot, "PathPrefix", text)
    elif is_path and kind == "PathPrefix" and text != "/":
        yield _to(spot, "PathPrefix", text.rstrip("/").rpartition("/")[0] or "/")
    elif kind == "Exact":
        yield _to(spot, "RegularExpression", f"{re.escape(text)}.*")
    elif kind == "RegularExpression":
        yield _to(spot, kind, f"(?:{text}).*")


def narrowed(spot: Spot) -> Iterator[Edit]:
    """A condition that fewer values, or others, meet."""
    kind, text = _condition(spot.value)
    if kind == "PathPrefix":
        yield _to(spot, "Exact", text)
    yield _to(spot, kind, f"{text.rstrip('/')}x" if text != "/" else "/x")


def header_value_changed(spot: Spot) -> Iterator[Edit]:
    old = spot.value.need("value")
    new = fresh(f"{old.text()}x", old)
    name = spot.value.need("name").text()
    yield Edit(f"header {name} {old.shown} → {new.shown}", put(spot.value, ("value",), new), old.location)


def mirror_share_changed(spot: Spot) -> Iterator[Edit]:
    """Of a mirror that copies a percentage: half as many, and all; of one that copies all: half of them."""
    given = spot.value.get("percent")
    if spot.value.get("fraction"):
        return
    old = given.whole(0, WHOLE_PERCENT) if given else WHOLE_PERCENT
    for new in dict.fromkeys((old // 2, WHOLE_PERCENT)):
        if new != old:
            changed = put(spot.value, ("percent",), fresh(new, given or spot.value))
            yield Edit(f"mirror's {old} % → {new} %", changed, given.location if given else None)


def _weighted(backends: Value, old: list[int], new: list[int]) -> Edit:
    changed = backends
    for number, weight in enumerate(new):
        entry = backends.items()[number]
        changed = put(changed, (number, "weight"), fresh(weight, entry.get("weight") or entry))
    shown = " → ".join(", ".join(map(str, weights)) for weights in (old, new))
    return Edit(f"weights {shown}", changed, backends.items()[0].location)


def _condition(value: Value) -> tuple[str, str]:
    """The type of a condition and its text, with the defaults of the API."""
    is_path = "name" not in value.fields()
    kind, text = value.get("type"), value.get("value")
    default = ("PathPrefix", "/") if is_path else ("Exact", "")
    return kind.text() if kind else default[0], text.text() if text else default[1]


def _to(spot: Spot, kind: str, text: str) -> Edit:
    before, old = _condition(spot.value)
    named: Mapping[str, object] = {**spot.value.fields(), "type": kind, "value": text}
    name = spot.value.get("name")
    what = f"{name.text()} " if name else ""
    return Edit(f"{label(spot)} {what}{before} {old!r} → {kind} {text!r}", fresh(named, spot.value))


def _others(kind: str, name: str) -> Iterator[Operator]:
    """The operators on what routes of another kind have in common with HTTPRoutes."""
    yield Operator(f"{name}-dropped", kind, ("",), dropped)
    yield Operator(f"{name}-parent-wrong", kind, ("spec.parentRefs[].name",), renamed("no-such-"))
    yield Operator(f"{name}-weights-shifted", kind, (f"{RULE}.backendRefs",), weights_shifted)
    yield Operator(f"{name}-backend-dropped", kind, (BACKEND,), dropped_of_several)
    yield Operator(f"{name}-backend-wrong", kind, (f"{BACKEND}.name",), renamed("no-such-"))
    if kind != "TCPRoute":
        yield Operator(f"{name}-hostname-wrong", kind, ("spec.hostnames[]",), host_wrong)


CONDITIONS = (f"{MATCH}.path", f"{MATCH}.headers[]", f"{MATCH}.queryParams[]")
HTTP_ROUTES = (
    Operator("http-route-dropped", KIND, ("",), dropped),
    Operator("parent-dropped", KIND, ("spec.parentRefs[]",), dropped_of_several),
    Operator("parent-wrong", KIND, ("spec.parentRefs[].name",), renamed("no-such-")),
    Operator("parent-section-dropped", KIND, ("spec.parentRefs[].sectionName",), dropped),
    Operator("hostname-wrong", KIND, ("spec.hostnames[]",), host_wrong),
    Operator("hostname-widened", KIND, ("spec.hostnames[]",), widened_beside),
    Operator("hostname-dropped", KIND, ("spec.hostnames[]",), dropped_of_several),
    Operator("route-rule-dropped", KIND, (RULE,), dropped_of_several),
    Operator("route-rules-swapped", KIND, ("spec.rules",), rules_swapped),
    Operator("route-matches-dropped", KIND, (f"{RULE}.matches",), dropped),
    Operator("route-match-dropped", KIND, (MATCH,), dropped_of_several),
    Operator("route-condition-dropped", KIND, (*CONDITIONS, f"{MATCH}.method"), dropped),
    Operator("route-condition-widened", KIND, CONDITIONS, widened),
    Operator("route-condition-narrowed", KIND, CONDITIONS, narrowed),
    Operator("backend-weights-shifted", KIND, (f"{RULE}.backendRefs",), weights_shifted),
    Operator("backend-dropped", KIND, (BACKEND,), dropped_of_several),
    Operator("backend-wrong", KIND, (f"{BACKEND}.name",), renamed("no-such-")),
    Operator("filter-dropped", KIND, FILTERS, dropped),
    Operator("filter-header-dropped", KIND, (*WRITTEN, *(f"{one}.remove[]" for one in MODIFIERS)), dropped),
    Operator("filter-header-changed", KIND, WRITTEN, header_value_changed),
    Operator("filter-path-changed", KIND, PATHS, appended("x")),
    Operator(
        "filter-host-changed", KIND, (f"{REDIRECT}.hostname", f"{RULE}.filters[].urlRewrite.hostname"), appended("x")
    ),
    Operator("filter-code-changed", KIND, (f"{REDIRECT}.statusCode",), other_than(302, 301)),
    Operator("filter-scheme-changed", KIND, (f"{REDIRECT}.scheme",), other_than("http", "https")),
    Operator("filter-mirror-changed", KIND, (f"{RULE}.filters[].requestMirror",), mirror_share_changed),
    Operator("filter-origin-dropped", KIND, (f"{RULE}.filters[].cors.allowOrigins[]",), dropped_of_several),
    Operator("route-timeout-dropped", KIND, (f"{RULE}.timeouts.*",), dropped),
    Operator("route-timeout-changed", KIND, (f"{RULE}.timeouts.*",), lasting(HALF, 2)),
    Operator("route-retry-dropped", KIND, (f"{RULE}.retry",), dropped),
    Operator("route-attempts-changed", KIND, (f"{RULE}.retry.attempts",), counted(more=(1,), less=(1,))),
    Operator("route-code-dropped", KIND, (f"{RULE}.retry.codes[]",), dropped_of_several),
)
OTHER_ROUTES = (
    *_others("GRPCRoute", "grpc-route"),
    Operator(
        "grpc-route-method-wrong", "GRPCRoute", (f"{MATCH}.method.service", f"{MATCH}.method.method"), appended("x")
    ),
    *_others("TCPRoute", "tcp-route"),
    *_others("TLSRoute", "tls-route"),
)
