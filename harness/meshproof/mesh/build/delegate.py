"""Delegation: the rules of a VirtualService without hosts, put in the place of the rule that names it.

A merged rule has the conditions of both; what the delegate's rule leaves out it takes from the one that delegates.
Where the conditions contradict each other istiod leaves the rule out, as it does where the delegate is not exported to
the namespace of the one that names it. Sources:
https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate and istio/istio
pilot/pkg/model/virtualservice.go (MergeHTTPRoutes), virtualservice_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build import resilience
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.match import merged_matches
from meshproof.mesh.build.visibility import EVERYWHERE, HERE
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked, Decided, Rule
from meshproof.mesh.model.virtual_service import HttpRoute, Mirror, VirtualService
from meshproof.records import dataclass

ROOT = "add the one that does, or give it hosts"
INHERITED: Mapping[str, tuple[str, ...]] = {
    "rewrite": ("rewrite",),
    "directResponse": ("direct_response",),
    "timeout": ("timeout",),
    "retries": ("retries",),
    "fault": ("abort", "delay"),
    "corsPolicy": ("cors",),
    "headers": ("headers",),
}
"""The fields that a rule takes from the one that delegates to it, with what they are in the model."""
CLUSTER, ENVOY = "a cluster", "Envoy"
"""Who refuses a delegate."""
SHARES = ("mirrorPercent", "mirror_percent", "mirrorPercentage")


@dataclass(frozen=True, slots=True)
class Draft:
    """A VirtualService as it is written, a delegate where it has no hosts; `rules` are its HTTP rules as written."""

    resource: Resource
    made: VirtualService
    rules: tuple[tuple[HttpRoute, Value], ...]

    @property
    def key(self) -> str:
        """`namespace/name`."""
        return f"{self.made.namespace}/{self.made.name}"


@dataclass(frozen=True, slots=True)
class Astray:
    """The place of a rule that istiod leaves out of what delegates to it, and why."""

    resource: Resource
    place: Location
    why: str


def resolved(
    drafts: Sequence[Draft], broken: Mapping[str, str], findings: Findings, exported: Sequence[str] = ()
) -> tuple[VirtualService, ...]:
    """The VirtualServices with hosts, delegates merged in.

    `broken` says of those (`namespace/name`) that have problems who refuses them.

    `exported` is to whom a delegate is exported that does not say (none: to all).
    """
    known = {draft.key: _exporting(draft, exported) for draft in drafts}
    asked = {route.missing for draft in drafts for route, _ in draft.rules}
    found: list[VirtualService] = []
    astray: list[Astray] = []
    for draft in drafts:
        if draft.made.hosts:
            with findings.about(draft.resource, ()):
                own: list[Astray] = []
                several = (_rules(draft, one, known, broken, findings, own) for one in draft.rules)
                rules = tuple(rule for one in several for rule in one)
            reasons = tuple(f"{one.resource} at {one.place}: {one.why}: istiod leaves it out" for one in own)
            found.append(replace(draft.made, http=rules, left_out=reasons))
            astray += own
        elif draft.key not in asked and not broken:
            why = "it has no hosts, and no VirtualService delegates to it: its rules are not in force"
            with findings.about(draft.resource, ()):
                findings.unproved(draft.made.location, why, needs=ROOT, topic=Topic.DELEGATE_LEFT_OUT)
    _left_out(astray, {rule.location for one in found for rule in one.http}, findings)
    return tuple(found)


def _exporting(draft: Draft, entries: Sequence[str]) -> Draft:
    made = draft.made
    if made.hosts or made.export_to or not entries:
        return draft
    return replace(draft, made=replace(made, export_to=tuple(entries)))


def _left_out(astray: Sequence[Astray], in_force: Set[Location], findings: Findings) -> None:
    """What istiod leaves out is no gap where another rule delegates to it too, and has it in force."""
    for one in astray:
        if one.place in in_force:
            findings.notice(one.place, f"{one.why}: istiod leaves it out", Topic.DELEGATE_LEFT_OUT)
        else:
            with findings.about(one.resource, ()):
                findings.unproved(one.place, f"{one.why}: istiod leaves it out", topic=Topic.DELEGATE_LEFT_OUT)


def _rules(
    draft: Draft,
    rule: tuple[HttpRoute, Value],
    known: Mapping[str, Draft],
    broken: Mapping[str, str],
    findings: Findings,
    astray: list[Astray],
) -> Iterator[HttpRoute]:
    root, _ = rule
    if not root.missing:
        yield root
        return
    delegate, where = known.get(root.missing), root.location
    if delegate is None:
        refused = broken.get(root.missing)
        what = f"{refused} refuses" if refused else "is not among these manifests"
        why = f"it delegates to VirtualService {root.missing}, which {what}"
        why += ": istiod leaves the rule out without it" if refused != ENVOY else ""
        # Where no other rule is certain to be there, whether this VirtualService decides at all depends on it.
        firm = any(not one.missing and _is_for_all(one) for one, _ in draft.rules)
        touched = Rule(where) if firm else Asked(draft.made.hosts, draft.made.gateways)
        needs = "correct it" if refused else "add it, or correct its name"
        findings.unproved(where, why, needs=needs, touches=(touched,), topic=Topic.DELEGATE_MISSING)
        yield root
    elif delegate.made.hosts:
        text = f"it delegates to VirtualService {root.missing}, which has hosts"
        astray.append(Astray(draft.resource, where, text))
    elif not _exported(delegate, draft.made.namespace):
        text = f"it delegates to VirtualService {root.missing}, which is not exported to {draft.made.namespace}"
        astray.append(Astray(draft.resource, where, text))
    else:
        for own in delegate.rules:
            if merged := _merged(draft, rule, delegate, own, findings):
                yield merged
            else:
                text = f"its conditions contradict those of the rule that delegates to it ({where})"
                astray.append(Astray(delegate.resource, own[0].location, text))


def _is_for_all(rule: HttpRoute) -> bool:
    """Whether every client has the rule, on every port and at every gateway."""
    return not rule.matches or any(
        not (one.port or one.gateways or one.source_labels or one.source_namespace) for one in rule.matches
    )


def _exported(delegate: Draft, namespace: str) -> bool:
    entries = delegate.made.export_to
    own = delegate.made.namespace if HERE in entries else ""
    return not entries or EVERYWHERE in entries or namespace in (*entries, own)


def _merged(
    draft: Draft, rule: tuple[HttpRoute, Value], delegate: Draft, one: tuple[HttpRoute, Value], findings: Findings
) -> HttpRoute | None:
    (root, outer), (own, inner) = rule, one
    matches = merged_matches(
        tuple(zip(root.matches, outer.list("match"), strict=True)),
        tuple(zip(own.matches, inner.list("match"), strict=True)),
        findings,
    )
    if matches is None:
        return None
    taken = {
        name: getattr(root, name)
        for field, names in INHERITED.items()
        if outer.get(field) and not inner.get(field)
        for name in names
    }
    found = replace(
        own,
        name="-".join(name for name in (root.name, own.name) if name),
        matches=matches,
        mirrors=_mirrors(draft, outer, delegate, inner),
        root=root.location,
        **taken,
    )
    if (found.abort or found.delay) and (found.redirect or found.direct_response):
        # istiod takes it, though it refuses the same in one rule, and Envoy injects the fault.
        why = f"it has an answer of its own and a fault of the rule that delegates to it ({root.location})"
        with findings.about(delegate.resource, ()):
            findings.unproved(own.location, f"{why}: no check judges both", touches=(Decided(own.location),))
    return found


def _mirrors(draft: Draft, outer: Value, delegate: Draft, inner: Value) -> tuple[Mirror, ...]:
    """Each of the fields is taken by itself: a delegate's mirror may have the share that the other rule gives."""
    shares = {name: share for name in SHARES if (share := inner.get(name) or outer.get(name))}
    found: list[Mirror] = []
    for field in ("mirror", "mirrors"):
        given = bool(inner.get(field) and inner.need(field).data)
        holder, owner = (inner, delegate) if given else (outer, draft)
        if value := holder.get(field):
            alone = holder.holding({**shares, field: value})
            found += resilience.mirrors(alone, owner.made.namespace)
    return tuple(found)
