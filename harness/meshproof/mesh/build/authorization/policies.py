"""AuthorizationPolicies: read for gateways, and told where they act on what this mesh does not have.

Which pods one selects: istio/istio pilot/pkg/model/policyattachment.go (ShouldAttachPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.errors import ManifestError, Problem
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.authorization.rule import authorization_rule
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.unmodelled.touches import touches
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import (
    Action,
    Attribute,
    AuthorizationPolicy,
    AuthorizationRule,
    is_near,
    known_labels,
)
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called, Entering, Received
from meshproof.records import dataclass

DRY_RUN = "istio.io/dry-run"
# What Go reads as a boolean.
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
TARGETS = {
    ("", "Service"),
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
}
LET_IN = "what it lets in is proved of clients that it names (--from NAMESPACE/WORKLOAD), what it refuses is not"
NEEDS = "give the Deployment of the gateway, so that its labels are known"


@dataclass(frozen=True, slots=True)
class Part:
    """A policy with its resource."""

    resource: Resource
    policy: AuthorizationPolicy


def authorization_policy(resource: Resource, findings: Findings) -> Part:
    spec = resource.body.get("spec") or resource.body.holding({})
    _check_selection(spec)
    given, provider = spec.get("action"), spec.get("provider")
    action = given.text() if given else Action.ALLOW.value
    dry_run = _dry_run(resource, action)
    rules = []
    for value in spec.list("rules"):
        with findings.gather():
            rules.append(authorization_rule(value))
    if not rules and action in (Action.DENY, "CUSTOM"):
        raise spec.problem(
            f"{action} without rules never comes true", "istiod refuses it: rules: [{}] means all requests"
        )
    if action == "CUSTOM":
        _check_custom(spec, provider, rules)
    elif provider:
        raise provider.problem(f"a provider is for CUSTOM alone, not for {action}", "istiod refuses it")
    selector, targets = spec.get("selector"), _targets(spec)
    policy = AuthorizationPolicy(
        resource.name,
        resource.namespace,
        Action(action),
        tuple(rules),
        resource.location,
        labels(selector, "matchLabels") if selector else None,
        tuple(targets) if spec.list("targetRefs") or spec.get("targetRef") else None,
        dry_run,
    )
    return Part(resource, policy)


def _check_custom(spec: Value, provider: Value | None, rules: Sequence[AuthorizationRule]) -> None:
    """Raise ManifestError for what istiod takes of other actions alone."""
    name = provider.get("name") if provider else None
    if name is None or not name.text():
        raise (provider or spec).problem("CUSTOM without the name of a provider", "istiod refuses it: write provider")
    conditions = (one for rule in rules for several in (*rule.sources, rule.when) for one in several)
    # Of a source that stands in `from` addresses are all that is left.
    refused = [one for one in conditions if one.attribute in (Attribute.IDENTITY, Attribute.CLAIM)]
    if refused:
        raise ManifestError(
            *(Problem(one.location, f"CUSTOM takes no {one.key}", "istiod refuses it") for one in refused)
        )


def _check_selection(spec: Value) -> None:
    several = [*spec.list("targetRefs"), *([one] if (one := spec.get("targetRef")) else [])]
    given = [one for one in ("selector", "targetRef") if spec.get(one)] + (
        ["targetRefs"] if spec.list("targetRefs") else []
    )
    if len(given) > 1:
        raise spec.problem(f"{' and '.join(given)} stand side by side", "istiod takes one of them")
    for target in several:
        name, kind, group = target.need("name"), target.need("kind").text(), target.get("group")
        if not name.text():
            raise name.problem("a target needs a name")
        if (place := target.get("namespace")) and place.text():
            raise place.problem("a target is of the policy's own namespace", "istiod refuses it: leave namespace out")
        if ((group.text() if group else ""), kind) not in TARGETS:
            raise target.problem(
                f"istiod takes no target of kind {kind}", "Gateway, GatewayClass, Service or ServiceEntry"
            )


def _targets(spec: Value) -> Iterator[str]:
    """The Gateways that a policy is attached to."""
    several = [*spec.list("targetRefs"), *([one] if (one := spec.get("targetRef")) else [])]
    return (one.need("name").text() for one in several if one.need("kind").text() == "Gateway")


def _dry_run(resource: Resource, action: str) -> bool:
    metadata = resource.body.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    found = annotations.get(DRY_RUN) if annotations else None
    if found is None:
        return False
    if action not in (Action.ALLOW, Action.DENY):
        raise found.problem(f"{DRY_RUN} is for ALLOW and DENY, not for {action}", "istiod refuses it")
    if found.text() not in TRUE | FALSE:
        raise found.problem(f"{DRY_RUN} is true or false, not {found.shown}", "istiod refuses it")
    return found.text() in TRUE


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with its policies."""
    several = [part for part in parts if isinstance(part, Part)]
    for part in several:
        with findings.about(part.resource, touches(part.resource, mesh)):
            if not part.policy.decides:
                what = "a dry run" if part.policy.dry_run else "an audit"
                findings.notice(part.policy.location, f"{part.resource} is {what}: it decides nothing")
            else:
                _within(mesh, part.resource, part.policy, findings)
                _at_gateways(mesh, part.policy, findings)
                if not _selects(mesh, part.policy):
                    text = f"{part.resource} selects no pod that these manifests tell of"
                    findings.notice(part.policy.location, text, Topic.POLICY_WITHOUT_PODS)
    return replace(mesh, authorization_policies=tuple(part.policy for part in several))


def _within(mesh: Mesh, resource: Resource, policy: AuthorizationPolicy, findings: Findings) -> None:
    """What pods let in their own sidecars decide, which this mesh does not have."""
    why = "the sidecars of pods that carry it out are not in this mesh"
    if policy.targets is not None:
        waypoints = tuple(one for one in touches(resource, mesh) if isinstance(one, Called))
        if waypoints:
            findings.unproved(policy.location, "a policy for a waypoint is not modelled", touches=waypoints)
        return
    place = "" if policy.namespace == ROOT_NAMESPACE else policy.namespace
    touched = (Received(place, policy, policy.selector or {}),)
    findings.unproved(policy.location, why, needs=LET_IN, touches=touched, topic=Topic.OF_PODS)


def _at_gateways(mesh: Mesh, policy: AuthorizationPolicy, findings: Findings) -> None:
    """Gateways of which it is not told whether the policy selects their pods."""
    for gateway in mesh.gateways if policy.targets is None else ():
        if mesh.knows_pods_of(gateway):
            continue
        why = _untold(mesh, policy, gateway)
        if why:
            findings.unproved(policy.location, why, needs=NEEDS, touches=(Entering(gateway.called),))


def _selects(mesh: Mesh, policy: AuthorizationPolicy) -> bool:
    """Whether it may be for any pods."""
    if policy.targets is not None:
        return True
    wanted = policy.selector or {}
    pods = [(one.namespace, one.labels) for one in mesh.workloads]
    pods += [(namespace, known_labels(own)) for namespace, own in map(mesh.pods_of, mesh.gateways)]
    near = any(is_near(policy, namespace) and may_carry(own, wanted) for namespace, own in pods)
    return near or any(_untold(mesh, policy, one) for one in mesh.gateways if not mesh.knows_pods_of(one))


def _untold(mesh: Mesh, policy: AuthorizationPolicy, gateway: Gateway) -> str:
    namespace, selected = mesh.pods_of(gateway)
    known, wanted = known_labels(selected), policy.selector or {}
    if any(name in known and known[name] != value for name, value in wanted.items()):
        return ""
    if not is_near(policy, namespace):
        shared = known.items() & wanted.items()
        where = f"whether the pods of Gateway {gateway.called} stand in {policy.namespace} is not told"
        return where if shared else ""
    lacking = [f"{name}: {value}" for name, value in wanted.items() if name not in known]
    return f"whether the pods of Gateway {gateway.called} have the label {lacking[0]} is not told" if lacking else ""
