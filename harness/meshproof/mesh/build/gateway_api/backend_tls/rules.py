"""BackendTLSPolicies put into a mesh: for each host that they are for a rule that says how TLS is spoken to it.

What istiod makes of them: pilot/pkg/config/kube/gateway/backend_policies.go (DestinationRuleCollection).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.backend_tls.policy import (
    SERVICE,
    SERVICE_ENTRY,
    BackendTls,
    Target,
    backend_tls_policy,
)
from meshproof.mesh.model.destination_rule import DestinationRule, TrafficPolicy
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic

__all__ = ["backend_tls_policy", "join"]

# What istiod makes of them has no age, and so is older than anything that somebody wrote.
BEGINNING = "0001-01-01T00:00:00+00:00"


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with a rule for each host; the oldest policy for a host, or for a port of it, counts."""
    policies = sorted((part for part in parts if isinstance(part, BackendTls)), key=lambda one: one.age)
    found: dict[tuple[str, str, str, str], tuple[BackendTls, TrafficPolicy]] = {}
    for one in policies:
        with findings.about(one.resource, ()):
            for target in one.targets:
                for host in _hosts(mesh, one, target, findings):
                    key = one.resource.namespace, target.kind, target.name, host
                    first, before = found.get(key, (one, TrafficPolicy()))
                    found[key] = first, _said(mesh, one, target, host, before, findings)
    rules = (_rule(host, *pair) for (_, _, _, host), pair in found.items())
    return replace(mesh, destination_rules=(*mesh.destination_rules, *rules))


def _rule(host: str, first: BackendTls, policy: TrafficPolicy) -> DestinationRule:
    where = first.resource
    return DestinationRule(
        where.name, where.namespace, host, (), policy, where.location, created=BEGINNING, backend_policy=True
    )


def _said(
    mesh: Mesh, one: BackendTls, target: Target, host: str, before: TrafficPolicy, findings: Findings
) -> TrafficPolicy:
    """A policy for a host with what one more says of it."""
    numbers = [port.number for port in _ports(mesh, one, host) if port.name == target.section]
    taken = before.ports.get(numbers[0]) if numbers and target.section else before
    if taken and taken.tls:
        text = f"an older BackendTLSPolicy is for {target.kind} {target.name}, too ({taken.tls.location})"
        findings.notice(target.location, f"{text}: that one counts, and this one is left out", Topic.NO_EFFECT)
        return before
    own = replace(one.tls, location=target.location)
    text = f"{host} is stood in for, with a certificate for its own names: who signed the real one is not verified"
    findings.notice(target.location, text, Topic.RUN_ALONE)
    if not target.section:
        return replace(before, tls=own)
    return replace(before, ports={**before.ports, numbers[0]: TrafficPolicy(tls=own)})


def _ports(mesh: Mesh, one: BackendTls, host: str) -> list[ServicePort]:
    near = (service for service in mesh.services_of(host) if service.namespace == one.resource.namespace)
    return [port for service in near for port in service.ports]


def _hosts(mesh: Mesh, one: BackendTls, target: Target, findings: Findings) -> Iterator[str]:
    """The hosts of a target, none where istiod takes no notice of it."""
    namespace = one.resource.namespace
    called = f"{target.kind} {namespace}/{target.name}"
    if (target.group, target.kind) == SERVICE:
        several: tuple[str, ...] = (f"{target.name}.{namespace}.{CLUSTER_DOMAIN}",)
        there = any(mesh.services_of(host) or mesh.alias(host) for host in several)
    elif (target.group, target.kind) == SERVICE_ENTRY:
        several = mesh.entered_as(f"{namespace}/{target.name}")
        there = bool(several)
    else:
        text = f"istiod knows BackendTLSPolicies for Services and ServiceEntries, and none for {called}"
        findings.notice(target.location, text, Topic.NO_EFFECT)
        return
    if not there:
        findings.notice(target.location, f"no {called} is among these manifests", Topic.PARENT_MISSING)
        return
    for host in dict.fromkeys(several):
        names = {port.name for port in _ports(mesh, one, host)}
        if target.section and target.section not in names:
            text = f"{called} has no port {target.section}: istiod leaves the policy out there"
            findings.notice(target.location, text, Topic.NO_EFFECT)
            continue
        yield host
