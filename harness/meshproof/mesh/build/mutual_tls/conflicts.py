"""Rules whose `tls` does not fit what the sidecars of the called pods take: clients get 503.

Without `tls`, or with one of mutual TLS for pods that take it, proxies of the mesh speak as istiod's default has it:
mutual TLS to whoever has a sidecar, else plain text (istio/istio pilot/pkg/networking/core/cluster_tls.go and
pilot/pkg/xds/endpoints/mtls_checker.go). That a rule names ISTIO_MUTUAL or DISABLE takes this choice away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import TlsMode
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service, ServicePort, Workload, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.peer_authentication import PeerAuthentication, PeerMode, taken
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import ISTIO_MUTUAL, ORIGINATING, PLAIN, ClientTls
from meshproof.mesh.model.unmodelled import Called

UNTOLD = "whether what answers for that host has a certificate of istiod is not told here"
FIX = "leave tls out: each pod is then called as its sidecar takes it"
SAYING = ("DestinationRule", "BackendTLSPolicy")


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which Services cannot be reached, or not as the rules want it."""
    own = {one.location: one for one in resources if one.kind in SAYING}
    without = {one.key for one in mesh.workloads if one.in_pods and not has_sidecar(mesh.namespaces, one)}
    for rule in mesh.destination_rules:
        said = [(policy.tls, port) for policy, port in rule.policies if policy.tls and _is_told(policy.tls)]
        if not said or rule.location not in own:
            continue
        with findings.about(own[rule.location], ()):
            for service in _covered(mesh, rule):
                for tls, port in said:
                    _held(mesh, service, tls, port, without, findings)


def _is_told(tls: ClientTls) -> bool:
    """Whether what it comes to at pods is told here."""
    return tls.mode == PLAIN or tls.mode in ORIGINATING or tls.is_of_the_mesh


def _covered(mesh: Mesh, rule: DestinationRule) -> Sequence[Service]:
    if not rule.host.startswith("*"):
        return mesh.services_of(rule.host)
    return [one for one in mesh.services if covers(rule.host, one.host) and not _replaced(mesh, rule, one)]


def _replaced(mesh: Mesh, rule: DestinationRule, service: Service) -> bool:
    """Whether every client meets a rule for the very host in the place of this one for a pattern."""
    places = {rule.namespace, *([service.namespace] if rule.namespace == ROOT_NAMESPACE else [])}
    found = (one for place in places for one in mesh.rules_in(place, service.host) if one.host == service.host)
    return any(one.selector is None and one.export_to in ((), rule.export_to, ("*",)) for one in found)


def _held(
    mesh: Mesh, service: Service, tls: ClientTls, number: int | None, without: set[str], findings: Findings
) -> None:
    for port in service.ports:
        if number not in (None, port.number):
            continue
        called = f"port {port.number} of {service.called}"
        why, topic = next(_reasons(mesh, service, port, tls, without), ""), Topic.MUTUAL_TLS
        if not why and tls.mode == ISTIO_MUTUAL and (service.hostname or service.endpoints):
            # A question and no mistake: in the mesh's own endpoints outside of Kubernetes this is as it should be.
            why, topic = f"{called}: {UNTOLD}", Topic.MUTUAL_TLS_UNTOLD
        if why and tls.location is not None:
            touched = (Called((service.host,), port.number),)
            said = f"tls {tls.mode} towards {why}"
            findings.unproved(tls.location, said, needs=FIX, touches=touched, topic=topic)


def _reasons(mesh: Mesh, service: Service, port: ServicePort, tls: ClientTls, without: set[str]) -> Iterator[str]:
    called = f"port {port.number} of {service.called}"
    served = _served(mesh) if tls.sni else ()
    if served and not any(covers(host, tls.sni.lower()) for host in served):
        # The sidecars of other pods do not look at the name that a handshake asks for.
        yield f"{called}: no server of a Gateway with ISTIO_MUTUAL is for its sni {tls.sni}"
    outside = service.hostname or (service.endpoints and tls.mode == ISTIO_MUTUAL)
    for pods in () if outside else mesh.selected(service.host):
        if pods.key in without:
            if tls.mode == ISTIO_MUTUAL:
                yield f"{called}: its pods have no sidecar ({pods.location}), so every handshake fails: clients get 503"
            continue
        mode, policy = taken(near(mesh, pods.namespace), pods.namespace, pods.labels, target(pods, port))
        # TLS of the pod's own comes to its sidecar as plain text does.
        if tls.mode != ISTIO_MUTUAL and mode is PeerMode.STRICT:
            yield f"{called}, whose sidecars take mutual TLS alone by {policy}: clients get 503"
        elif tls.mode == ISTIO_MUTUAL and mode is PeerMode.DISABLE:
            yield f"{called}, whose sidecars take plain text alone by {policy}: clients get 503"
        refusing = PeerMode.DISABLE if tls.mode == ISTIO_MUTUAL else PeerMode.STRICT
        for one in near(mesh, pods.namespace):
            if refusing in (one.mode, *one.ports.values()) and _may_be_for(one, pods):
                yield f"{called}: whether {one} is for its pods, by a label that they get in a cluster, is not told"


def _may_be_for(policy: PeerAuthentication, pods: Workload) -> bool:
    """Whether it selects by labels that stand in no template, and pods may have them."""
    own, wanted = pods.labels, policy.selector
    return policy.namespace == pods.namespace and may_carry(own, wanted) and not wanted.items() <= own.items()


def _served(mesh: Mesh) -> tuple[str, ...]:
    """The hosts of all servers of Gateways that take proxies of the mesh."""
    servers = (one for gateway in mesh.gateways for one in gateway.servers)
    return mesh.once(
        ("build", "served within"),
        lambda: tuple(host for one in servers if one.tls.mode is TlsMode.ISTIO_MUTUAL for host in one.hosts),
    )


def near(mesh: Mesh, namespace: str) -> tuple[PeerAuthentication, ...]:
    """The policies that may be for pods of a namespace, each level's in order."""
    policies = mesh.once(
        ("build", "peer authentications"), lambda: grouped((one.namespace, one) for one in mesh.peer_authentications)
    )
    places = dict.fromkeys((ROOT_NAMESPACE, namespace))
    return tuple(one for place in places for one in policies.get(place, ()))


def target(pods: Workload, port: ServicePort) -> int:
    """The port of pods that a Service's port leads to; the same number where they have none of that name."""
    if isinstance(port.target, int):
        return port.target
    return next((one.number for one in pods.ports if one.name == port.target), port.number)
