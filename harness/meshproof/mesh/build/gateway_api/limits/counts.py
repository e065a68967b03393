"""How many of each a route may have, and which of them only once.

Source: the CRDs of the Gateway API (maxItems, x-kubernetes-list-type, x-kubernetes-validations), experimental channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from meshproof.manifest.value import Value

PARENTS, MANY, MATCHES, IN_ALL, WORDS = 32, 16, 64, 128, 64
REFUSED = "the API server refuses it"
MODIFIERS = ("requestHeaderModifier", "responseHeaderModifier")


def check(spec: Value, hostnames: int = MANY, rules: int = MANY) -> None:
    """Raise ManifestError for more than a route may have, and for what it has twice."""
    _at_most(spec, "parentRefs", PARENTS)
    _at_most(spec, "hostnames", hostnames)
    _at_most(spec, "rules", rules)
    several = spec.list("rules")
    once((name for rule in several if (name := rule.get("name"))), "rules")
    for rule in several:
        _at_most(rule, "matches", MATCHES)
        for match in rule.list("matches"):
            _at_most(match, "headers", MANY)
            _at_most(match, "queryParams", MANY)
        for holder in (rule, *rule.list("backendRefs")):
            _at_most(holder, "filters", MANY)
            _filters(holder)
        _at_most(rule, "backendRefs", MANY)
    if sum(len(rule.list("matches")) for rule in several) > IN_ALL:
        raise spec.need("rules").problem(f"the rules have more than {IN_ALL} matches in all", REFUSED)


def check_parents(spec: Value) -> None:
    """Raise ManifestError for two parentRefs to one parent that do not both say which part of it they mean."""
    several = spec.list("parentRefs")
    for number, one in enumerate(several):
        for other in several[:number]:
            if _named(one) != _named(other):
                continue
            if _part(one) == _part(other):
                raise one.problem("a parentRef is given twice", f"{REFUSED}: tell them apart by sectionName or port")
            if any(bool(mine) != bool(yours) for mine, yours in zip(_part(one), _part(other), strict=True)):
                raise one.problem(
                    "of several parentRefs to one parent each says the same of sectionName and port", REFUSED
                )


def once(several: Iterable[Value], what: str, of: Callable[[Value], str] = Value.text) -> None:
    """Raise ManifestError for a text that stands twice among these."""
    seen: set[str] = set()
    for one in several:
        text = of(one)
        if text in seen:
            raise one.problem(f"{text} is given twice in {what}", REFUSED)
        seen.add(text)


def _filters(holder: Value) -> None:
    for one in holder.list("filters"):
        for modifier in filter(None, map(one.get, MODIFIERS)):
            for field in ("set", "add"):
                _at_most(modifier, field, MANY)
                once(modifier.list(field), field, lambda header: header.need("name").text())
            _at_most(modifier, "remove", MANY)
            once(modifier.list("remove"), "remove")
        if cors := one.get("cors"):
            for field in ("allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders"):
                _at_most(cors, field, WORDS)
                once(cors.list(field), field)


def _at_most(holder: Value, field: str, most: int) -> None:
    if len(holder.list(field)) > most:
        raise holder.need(field).problem(f"{field} has more than {most} entries", REFUSED)


def _named(one: Value) -> tuple[str, ...]:
    defaults = (("group", "gateway.networking.k8s.io"), ("kind", "Gateway"), ("namespace", ""), ("name", ""))
    return tuple(found.text() if (found := one.get(field)) else default for field, default in defaults)


def _part(one: Value) -> tuple[str, str]:
    section, port = one.get("sectionName"), one.get("port")
    return section.text() if section else "", port.text_form if port else ""
