"""Parts of rules as they are written, for comparison: plain data, in which a default that is written out is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.intents.intent import Written
from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.redaction.credentials import redact_quoted

Rules = Mapping[Location, Value]
DEFAULTS: tuple[object, ...] = (None, "", 0, False, (), {})


def plain(value: Value) -> object:
    """Plain data without what is not set."""
    data = value.data
    if isinstance(data, Mapping):
        found = {name: plain(one) for name, one in value.fields().items()}
        return {name: one for name, one in found.items() if one not in DEFAULTS}
    if isinstance(data, tuple):
        return tuple(plain(one) for one in value.items())
    return data


def rules_of(resources: Sequence[Resource]) -> Rules:
    """The HTTP rules of VirtualServices, by their places."""
    found: dict[Location, Value] = {}
    for one in resources:
        spec = one.body.get("spec") if one.kind == "VirtualService" else None
        for rule in spec.list("http") if spec else ():
            found[rule.location] = rule
    return found


def differing(wanted: Written, expectation: Expectation, rules: Rules, root: Location | None) -> str:
    """Which part of the rule that takes a request is not as wanted; empty where all are.

    `root` is the rule that delegates to it.
    """
    for name, part in wanted.parts.items():
        place = root if name == "delegate" else expectation.route
        rule = rules.get(place) if place else None
        value = rule.get(name) if rule else None
        own = plain(value) if value else None
        if (own == part) is not wanted.wanted:
            where = str(value.location if value else place or "no rule")
            return redact_quoted(f"{name} is {_shown(own)} at {where}") + (
                "" if wanted.wanted else ", which was not wanted"
            )
    return ""


def _shown(data: object) -> str:
    if data is None:
        return "not set"
    if isinstance(data, Mapping):
        return f"{{{', '.join(f'{name}: {_shown(one)}' for name, one in data.items())}}}"
    if isinstance(data, tuple):
        return f"[{', '.join(map(_shown, data))}]"
    return str(data)
