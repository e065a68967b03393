"""Services that proxies call otherwise than their pods take it, by PeerAuthentications alone: clients get 503.

Whether a Service is called in mutual TLS at all istiod infers from the policies for whole namespaces, and of a headless
one from whether each of its pods has a sidecar; what is for some pods is looked at for each pod of other Services alone
(istio/istio pilot/pkg/model/push_context.go, BestEffortInferServiceMTLSMode; pilot/pkg/xds/endpoints/mtls_checker.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.mutual_tls.conflicts import near, target
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.peer_authentication import PeerAuthentication, PeerMode, taken
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import ClientTls
from meshproof.mesh.model.unmodelled import Called

KIND = "PeerAuthentication"
FIX = "let the policy for the pods and that for their namespace agree, or say tls in a DestinationRule"


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which ports of Services proxies cannot call."""
    own = {one.location: one for one in resources if one.kind == KIND}
    for service in mesh.services:
        for port in () if service.hostname else service.ports:
            for policy, why in _reasons(mesh, service, port):
                if policy.location in own and not any(tls_said(mesh, service, port)):
                    touched = (Called((service.host,), port.number),)
                    with findings.about(own[policy.location], ()):
                        findings.unproved(policy.location, why, needs=FIX, touches=touched, topic=Topic.MUTUAL_TLS)


def is_plain(mesh: Mesh, service: Service) -> bool:
    """Whether proxies call all pods of a Service in plain text, unless a rule says how."""
    mode, _ = taken(near(mesh, service.namespace), service.namespace, {}, 0)
    pods = (one for one in mesh.selected(service.host) if one.in_pods)
    without = service.headless and not all(has_sidecar(mesh.namespaces, one) for one in pods)
    return mode is PeerMode.DISABLE or without


def tls_said(mesh: Mesh, service: Service, port: ServicePort) -> Iterator[ClientTls]:
    """What rules say of how to call a port, so that nothing is inferred."""

    def made() -> tuple[dict[str, tuple[DestinationRule, ...]], tuple[DestinationRule, ...]]:
        saying = [one for one in mesh.destination_rules if any(policy.tls for policy, _ in one.policies)]
        return grouped((one.host, one) for one in saying), tuple(one for one in saying if one.host.startswith("*"))

    exact, wide = mesh.once(("build", "rules that say tls"), made)
    for rule in (*exact.get(service.host, ()), *(one for one in wide if covers(one.host, service.host))):
        yield from (policy.tls for policy, number in rule.policies if policy.tls and number in (None, port.number))


def _reasons(mesh: Mesh, service: Service, port: ServicePort) -> Iterator[tuple[PeerAuthentication, str]]:
    having = (one for one in mesh.selected(service.host) if one.in_pods and has_sidecar(mesh.namespaces, one))
    plain = is_plain(mesh, service)
    called = f"port {port.number} of {service.called}"
    for one in having:
        mode, policy = taken(near(mesh, one.namespace), one.namespace, one.labels, target(one, port))
        if policy is None:
            continue
        if plain and mode is PeerMode.STRICT:
            yield policy, f"its pods take mutual TLS alone, and proxies call {called} in plain text: clients get 503"
        elif service.headless and not plain and mode is PeerMode.DISABLE:
            yield policy, f"its pods take plain text alone, and proxies call {called}, which is headless, in mutual TLS"
