"""Which requests and connections a VirtualService takes: its hosts and gateways, its rules, and their conditions."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.manifest.value import Value
from meshproof.mutate.change import appended, counted, dropped, dropped_of_several, flipped, label
from meshproof.mutate.edit import fresh, put
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "VirtualService"
MATCH = "spec.http[].match[]"
TCP, TLS = "spec.tcp", "spec.tls"
BOTH = (TCP, TLS)
CONDITIONS = ("uri", "scheme", "method", "authority", "port", "gateways", "sourceLabels", "sourceNamespace")
NAMED = ("headers", "withoutHeaders", "queryParams")
STRINGS = (
    *(f"{MATCH}.{name}" for name in ("uri", "scheme", "method", "authority")),
    *(f"{MATCH}.{name}.*" for name in NAMED),
)


def rules_swapped(spot: Spot) -> Iterator[Edit]:
    """Two neighbours in the other order."""
    rules = spot.value.items()
    for first in range(len(rules) - 1):
        new = list(rules)
        new[first], new[first + 1] = new[first + 1], new[first]
        yield Edit(f"rules {first + 1} and {first + 2} swapped", fresh(new, spot.value), rules[first].location)


def widened(spot: Spot) -> Iterator[Edit]:
    """A condition that more values meet."""
    for kind, text in _strings(spot.value):
        if kind == "exact":
            yield _condition(spot, kind, {"prefix": text.text()})
        elif kind == "prefix" and len(text.text()) > 1:
            yield _condition(spot, kind, {"prefix": text.text()[:-1]})
            if text.text().startswith("/"):
                yield _condition(spot, kind, {"prefix": "/"})
        elif kind == "regex":
            yield _condition(spot, kind, {"regex": f"(?:{text.text()}).*"})


def narrowed(spot: Spot) -> Iterator[Edit]:
    """A condition that fewer values, or others, meet."""
    for kind, text in _strings(spot.value):
        if kind == "prefix":
            yield _condition(spot, kind, {"exact": text.text()})
        yield _condition(spot, kind, {kind: f"{text.text()}x"})


def case_ignored(spot: Spot) -> Iterator[Edit]:
    if spot.value.get("uri") and not spot.value.get("ignoreUriCase"):
        yield Edit("ignoreUriCase added", put(spot.value, ("ignoreUriCase",), fresh(True, spot.value)))


def host_wrong(spot: Spot) -> Iterator[Edit]:
    """The name of something else; of a pattern, a narrower one."""
    text = spot.value.text()
    new = f"*.no-such-{text[2:]}" if text.startswith("*.") else "no-such.example" if text == "*" else f"no-such-{text}"
    yield Edit(f"{label(spot)} {spot.value.shown} → {new!r}", fresh(new, spot.value))


def host_widened(spot: Spot) -> Iterator[Edit]:
    """A domain name to all names beside it, and to all names."""
    first, dot, rest = spot.value.text().partition(".")
    wanted = [f"*.{rest}"] if dot and rest and first != "*" else []
    for new in (*wanted, "*") if dot else ():
        yield Edit(f"{label(spot)} {spot.value.shown} → {new!r}", fresh(new, spot.value))


def widened_beside(spot: Spot) -> Iterator[Edit]:
    """To all names beside it: hardly any hosts cover all names, and what is for every host has no hostname."""
    return (edit for edit in host_widened(spot) if edit.new is not None and edit.new.data != "*")


def gateway_left(spot: Spot) -> Iterator[Edit]:
    """Each gateway goes; without any, the rules are those of the mesh."""
    several = spot.value.items()
    for number, one in enumerate(several):
        rest = [other for place, other in enumerate(several) if place != number]
        yield Edit(f"gateway {one.shown} dropped", fresh(rest, spot.value) if rest else None, one.location)


def gateway_entered(spot: Spot) -> Iterator[Edit]:
    """The rules of a gateway become those of the mesh as well."""
    if all(one.data != "mesh" for one in spot.value.items()):
        yield Edit("gateway 'mesh' added", fresh([*spot.value.items(), "mesh"], spot.value))


def _strings(condition: Value) -> Iterator[tuple[str, Value]]:
    for kind in ("exact", "prefix", "regex"):
        if isinstance(condition.data, dict) and (text := condition.get(kind)):
            yield kind, text


def _condition(spot: Spot, kind: str, new: dict[str, str]) -> Edit:
    (now, text), old = next(iter(new.items())), spot.value.need(kind)
    return Edit(f"{label(spot)} {kind} {old.shown} → {now} {text!r}", fresh(new, spot.value), old.location)


RULES = (
    Operator("host-wrong", KIND, ("spec.hosts[]",), host_wrong),
    Operator("host-widened", KIND, ("spec.hosts[]",), host_widened),
    Operator("host-dropped", KIND, ("spec.hosts[]",), dropped_of_several),
    Operator("gateway-left", KIND, ("spec.gateways",), gateway_left),
    Operator("gateway-entered", KIND, ("spec.gateways",), gateway_entered),
    Operator("rule-dropped", KIND, ("spec.http[]",), dropped_of_several),
    Operator("rules-swapped", KIND, ("spec.http",), rules_swapped),
    Operator("match-dropped", KIND, ("spec.http[].match",), dropped),
    Operator("match-entry-dropped", KIND, (MATCH,), dropped_of_several),
    Operator(
        "condition-dropped",
        KIND,
        (*(f"{MATCH}.{one}" for one in CONDITIONS), *(f"{MATCH}.{one}.*" for one in NAMED)),
        dropped,
    ),
    Operator("condition-widened", KIND, STRINGS, widened),
    Operator("condition-narrowed", KIND, STRINGS, narrowed),
    Operator("case-ignored", KIND, (MATCH,), case_ignored),
    Operator("case-flipped", KIND, (f"{MATCH}.ignoreUriCase",), flipped),
    Operator("source-label-wrong", KIND, (f"{MATCH}.sourceLabels.*",), appended("-x")),
)

CONNECTIONS = (
    Operator("connection-rule-dropped", KIND, tuple(f"{one}[]" for one in BOTH), dropped_of_several),
    Operator("connection-rules-swapped", KIND, BOTH, rules_swapped),
    Operator("connection-match-dropped", KIND, (f"{TCP}[].match",), dropped),
    Operator("connection-port-wrong", KIND, tuple(f"{one}[].match[].port" for one in BOTH), counted(more=(1,))),
    Operator("sni-host-wrong", KIND, (f"{TLS}[].match[].sniHosts[]",), host_wrong),
    Operator("sni-host-widened", KIND, (f"{TLS}[].match[].sniHosts[]",), widened_beside),
    Operator("sni-host-dropped", KIND, (f"{TLS}[].match[].sniHosts[]",), dropped_of_several),
)
