"""AuthorizationPolicies: what they select, what they do, and the conditions of their rules."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mutate.change import dropped, dropped_of_several, label, other_than, renamed
from meshproof.mutate.edit import fresh, put, without
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "AuthorizationPolicy"
RULE = "spec.rules[]"
OPERATION = f"{RULE}.to[].operation"
FIELDS = ("paths", "methods", "hosts", "ports")
LISTS = (*FIELDS, *(f"not{one[0].upper()}{one[1:]}" for one in FIELDS))
VALUES = tuple(f"{OPERATION}.{one}[]" for one in LISTS)
TEXTS = tuple(f"{OPERATION}.{one}[]" for one in ("paths", "notPaths", "hosts", "notHosts"))
WHEN = (f"{RULE}.when[].values[]", f"{RULE}.when[].notValues[]")


def action_exchanged(spot: Spot) -> Iterator[Edit]:
    """What is denied is allowed alone, and the reverse; a policy without rules can only allow."""
    given = spot.value.get("action")
    new = "ALLOW" if given and given.data == "DENY" else "DENY"
    if spot.value.list("rules") or new == "ALLOW":
        changed = put(spot.value, ("action",), fresh(new, given or spot.value))
        yield Edit(f"action {given.shown if given else 'ALLOW'} → {new}", changed, given.location if given else None)


def widened(spot: Spot) -> Iterator[Edit]:
    """All values that begin as this one does."""
    text = spot.value.text()
    if not text.startswith("*") and not text.endswith("*") and "{" not in text:
        yield Edit(f"{label(spot)} {spot.value.shown} → {text + '*'!r}", fresh(f"{text}*", spot.value))


def narrowed(spot: Spot) -> Iterator[Edit]:
    """This value alone, of all that begin as it does."""
    text = spot.value.text()
    if text.endswith("*") and len(text) > 1 and not text.startswith("*"):
        yield Edit(f"{label(spot)} {spot.value.shown} → {text[:-1]!r}", fresh(text[:-1], spot.value))


def negated(spot: Spot) -> Iterator[Edit]:
    """What a request must have it must not have, and the reverse."""
    for name in FIELDS:
        other = f"not{name[0].upper()}{name[1:]}"
        for one, new in ((name, other), (other, name)):
            if (found := spot.value.get(one)) and spot.value.get(new) is None:
                changed = put(without(spot.value, (one,)), (new,), found)
                yield Edit(f"{one} → {new}", changed, found.key)


AUTHORIZATION = (
    Operator("authorization-policy-dropped", KIND, ("",), dropped),
    Operator("authorization-action-exchanged", KIND, ("spec",), action_exchanged),
    Operator("authorization-selector-wrong", KIND, ("spec.selector.matchLabels.*",), renamed("no-such-")),
    Operator("authorization-rule-dropped", KIND, (RULE,), dropped_of_several),
    Operator("authorization-operation-dropped", KIND, (f"{RULE}.to",), dropped),
    Operator("authorization-condition-dropped", KIND, (f"{OPERATION}.*", f"{RULE}.when[]"), dropped_of_several),
    Operator("authorization-value-dropped", KIND, (*VALUES, *WHEN), dropped_of_several),
    Operator("authorization-value-widened", KIND, (*TEXTS, *WHEN), widened),
    Operator("authorization-value-narrowed", KIND, (*TEXTS, *WHEN), narrowed),
    Operator("authorization-condition-negated", KIND, (OPERATION,), negated),
    Operator(
        "authorization-method-exchanged",
        KIND,
        (f"{OPERATION}.methods[]", f"{OPERATION}.notMethods[]"),
        other_than("GET", "POST"),
    ),
)
