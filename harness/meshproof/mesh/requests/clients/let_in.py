"""Clients that AuthorizationPolicies for pods name: who may call those that let nobody else in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.source import Source, source
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import Action, Attribute, AuthorizationPolicy, Condition
from meshproof.mesh.model.security.identity import Identity
from meshproof.mesh.predict.policies.identity import is_named


def named_by_policies(mesh: Mesh, policies: Iterable[AuthorizationPolicy]) -> Iterator[Source]:
    """The workloads that a rule of a policy lets in by who they are, in the manifests' order."""
    conditions = [(policy, one) for policy in policies for one in _of(policy)]
    # What a gateway's pods send goes by the rules for their gateway alone.
    entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)} if conditions else set()
    for pods in mesh.workloads if conditions else ():
        identity = Identity(pods.namespace, pods.account)
        sends = pods.account and not pods.bypass and has_sidecar(mesh.namespaces, pods) and pods.key not in entered
        if sends and any(_names(policy, one, identity) for policy, one in conditions):
            yield source(pods.namespace, pods.labels)


def _of(policy: AuthorizationPolicy) -> Iterator[Condition]:
    if policy.action is Action.ALLOW and policy.decides and policy.targets is None:
        for rule in policy.rules:
            for several in (*rule.sources, rule.when):
                yield from (one for one in several if one.attribute is Attribute.IDENTITY and one.values)


def _names(policy: AuthorizationPolicy, condition: Condition, identity: Identity) -> bool:
    return any(is_named(condition.key, one, identity, policy.namespace) for one in condition.values)
