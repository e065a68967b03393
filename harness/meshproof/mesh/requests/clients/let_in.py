"""Clients that AuthorizationPolicies for pods name: who may call those that let nobody else in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meshproof.border.source import Source, source
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import Action, Attribute, AuthorizationPolicy, Condition
from meshproof.mesh.model.security.identity import Identity
from meshproof.mesh.predict.policies.identity import is_named

# A principal that is one workload's.
WHOLE = re.compile(r"[^*/]+/ns/([^*/]+)/sa/([^*/]+)")


def named_by_policies(mesh: Mesh, policies: Iterable[AuthorizationPolicy]) -> tuple[Source, ...]:
    """The workloads that a rule of a policy lets in by who they are, in the manifests' order."""
    several = tuple(policies)
    at = ("requests", "named by policies", *(one.location for one in several))
    return mesh.once(at, lambda: tuple(_named(mesh, several)))


def _named(mesh: Mesh, policies: Iterable[AuthorizationPolicy]) -> Iterator[Source]:
    found: dict[int, Workload] = {}
    for policy in policies:
        for condition in _of(policy):
            near = (pair for wanted in condition.values for pair in _candidates(mesh, condition.key, wanted, policy))
            found.update((at, pods) for at, pods in near if _names(policy, condition, _identity(pods)))
    for at in sorted(found):
        yield source(found[at].namespace, found[at].labels)


def _candidates(mesh: Mesh, key: str, wanted: str, policy: AuthorizationPolicy) -> Iterable[tuple[int, Workload]]:
    """Those whom a value of a condition may name."""
    sending = mesh.once(("requests", "sending"), lambda: tuple(_sending(mesh)))
    if key == "source.namespace" and not {"*", "/"} & {*wanted}:
        places = mesh.once(("requests", "by place"), lambda: grouped((one[1].namespace, one) for one in sending))
        return places.get(wanted, ())
    exact = WHOLE.fullmatch(wanted) if key == "source.principal" else None
    if key == "source.serviceAccount":
        exact = re.fullmatch("([^/]*)/(.*)", wanted if "/" in wanted else f"{policy.namespace}/{wanted}")
    if exact is None:
        return sending
    accounts = mesh.once(
        ("requests", "by account"), lambda: grouped(((one[1].namespace, one[1].account), one) for one in sending)
    )
    return accounts.get((exact[1], exact[2]), ())


def _sending(mesh: Mesh) -> Iterator[tuple[int, Workload]]:
    """The workloads whose sidecars show a certificate, by their place: what a gateway's pods send goes by its rules."""
    entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)}
    for at, pods in enumerate(mesh.workloads):
        if pods.account and not pods.bypass and has_sidecar(mesh.namespaces, pods) and pods.key not in entered:
            yield at, pods


def _identity(pods: Workload) -> Identity:
    return Identity(pods.namespace, pods.account)


def _of(policy: AuthorizationPolicy) -> Iterator[Condition]:
    if policy.action is Action.ALLOW and policy.decides and policy.targets is None:
        for rule in policy.rules:
            for several in (*rule.sources, rule.when):
                yield from (one for one in several if one.attribute is Attribute.IDENTITY and one.values)


def _names(policy: AuthorizationPolicy, condition: Condition, identity: Identity) -> bool:
    return any(is_named(condition.key, one, identity, policy.namespace) for one in condition.values)
