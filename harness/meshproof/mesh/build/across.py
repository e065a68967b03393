"""What only shows when the resources are seen together: references that lead nowhere, and objects that compete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import combinations

from meshproof.manifest.documents.other_files import KUSTOMIZE
from meshproof.manifest.kinds import entry_of
from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.alike import alike, nearest
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.visibility import EVERYWHERE, HERE, in_order
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import Hosts, by_hosts, grouped
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, host, overlap
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Entering, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService

PATCHED = "a kustomization, which is not built here, changes it"
# What an installation of Istio calls its gateways.
ISTIOS_OWN = frozenset({"ingressgateway", "egressgateway"})


def across(mesh: Mesh, resources: Sequence[Resource], left_out: Iterable[Resource], findings: Findings) -> None:
    """Say what should be known of a mesh as a whole; `left_out` are resources that a cluster refuses."""
    refused = {f"{one.namespace}/{one.name}" for one in left_out if entry_of(one) == "Gateway"}
    written = {str(one): one for one in resources if entry_of(one) in ("VirtualService", "Gateway")}
    for virtual_service in mesh.virtual_services:
        if not virtual_service.is_written:
            continue
        resource = written[f"VirtualService {virtual_service.namespace}/{virtual_service.name}"]
        for name in virtual_service.gateways:
            if name != MESH_GATEWAY:
                _bound(mesh, virtual_service, name, refused, findings)
            else:
                _called(mesh, resource, findings)
    _competing(mesh, findings)
    _untold(mesh, findings)
    _rules(mesh, findings)
    for gateway in (one for one in mesh.gateways if one.is_written):
        with findings.about(written[f"Gateway {gateway.key}"], (Entering(gateway.key),)):
            _served(mesh, gateway, findings)


def patched(manifests: Manifests, mesh: Mesh) -> Iterator[Unmodelled]:
    """Each resource with each patch of a kustomization that is for its kind and name: nobody knows which is meant."""
    if not manifests.patches:
        return
    from meshproof.manifest.documents.patches import is_for
    from meshproof.mesh.build.unmodelled.touches import touches

    for patch in manifests.patches:
        for one in manifests.resources:
            if is_for(patch, one):
                yield Unmodelled(one.kind, str(one), patch.location, PATCHED, touches(one, mesh), KUSTOMIZE)


def _bound(mesh: Mesh, virtual_service: VirtualService, name: str, refused: Set[str], findings: Findings) -> None:
    """A gateway that is not there, or that has no server for any of the hosts."""
    gateway = mesh.gateway(name)
    if gateway is None or not gateway.is_written:
        missing = f"the gateway {name} is not among these manifests{_meant(mesh, name)}"
        text = f"a cluster refuses the gateway {name}" if name in refused else missing
        findings.notice(virtual_service.location, text, Topic.GATEWAY_MISSING)
        return
    places = [(server, limit) for server in gateway.servers for limit in server.limits]
    limits = [limit for _, limit in places]
    served = mesh.once(("built", "served", name), lambda: by_hosts([(one,) for _, one in limits]))
    meeting = [at for one in virtual_service.hosts for at in _sharing(one, served, limits)]
    shared, own = {limits[at][0] for at in meeting}, virtual_service.namespace
    if not shared.isdisjoint(("", own)):
        return
    hosts, where = ", ".join(virtual_service.hosts), gateway.location
    text = f"Gateway {name} has no server for {hosts}"
    if kept := sorted(shared):
        where = places[min(meeting)][0].location
        text = (
            f"Gateway {name} takes {hosts} from VirtualServices of namespace {' and '.join(kept)} alone, not of {own}"
        )
    text = f"{text} ({where}): it routes nothing there"
    findings.notice(virtual_service.location, text, Topic.HOST_NOT_SERVED)


def _meant(mesh: Mesh, name: str) -> str:
    """Which Gateway a name may have been meant for; many VirtualServices may have the same name."""
    found = (one.key for one in mesh.gateways if one.is_written)
    return mesh.once(("build", "meant", name), lambda: nearest(name, found))


def _sharing(asked: str, served: Hosts, limits: Sequence[tuple[str, str]]) -> Iterable[int]:
    """Where the hosts of a Gateway stand that have a name in common with one of a VirtualService."""
    if not asked.startswith("*"):
        return served.candidates(asked)
    return (at for at, (_, one) in enumerate(limits) if overlap(one, asked))


def _called(mesh: Mesh, resource: Resource, findings: Findings) -> None:
    """Hosts that clients within the mesh ask for, and that no Service has."""
    for value in resource.body.need("spec").list("hosts"):
        name = host(value, resource.namespace)
        if name.startswith("*") or mesh.knows(name) or mesh.alias(name) or mesh.patterns_for(name):
            continue
        if name.endswith(f".{CLUSTER_DOMAIN}"):
            text = f"no Service is called {name}: no client can resolve that name, so nobody asks for it"
        else:
            text = f"no Service is called {name}: whether a client can resolve that name is not told here"
        findings.notice(value.location, text, Topic.HOST_UNKNOWN)


def _competing(mesh: Mesh, findings: Findings) -> None:
    """VirtualServices for one host within the mesh: istiod does not merge them (istioctl's IST0109)."""
    within = in_order(one for one in mesh.bound_to(MESH_GATEWAY) if not one.gateway_api)
    named = grouped((one, vs) for vs in within for one in dict.fromkeys(vs.hosts))
    for name, several in named.items():
        for at, later in enumerate(several):
            before = next((one for one in several[:at] if _meet(one, later)), None)
            if before is not None:
                first = f"{_shown(before)} ({before.location})"
                text = f"{name} is also a host of {first}: within the mesh they are not merged"
                text = f"{text}, {_winner(before, later)} (istioctl: IST0109)"
                findings.notice(later.location, text, Topic.COMPETING)


def _shown(one: VirtualService) -> str:
    return f"an HTTPRoute of {one.namespace}" if one.gateway_api else f"VirtualService {one.namespace}/{one.name}"


def _winner(before: VirtualService, later: VirtualService) -> str:
    if before.gateway_api or later.gateway_api:
        return "a client gets the HTTPRoute of its own namespace, else the oldest of those for it"
    if (not before.export_to and not later.export_to) or before.export_to == later.export_to:
        return f"{before.name} is the older one and decides alone"
    return "a client gets the one that is exported to its own namespace alone, then the older one"


def _meet(one: VirtualService | DestinationRule, other: VirtualService | DestinationRule) -> bool:
    """Whether some namespace sees both."""
    ours, theirs = (_seeing(each) for each in (one, other))
    return ours is None or theirs is None or not ours.isdisjoint(theirs)


def _seeing(one: VirtualService | DestinationRule) -> frozenset[str] | None:
    """The namespaces that see it; None for all."""
    if not one.export_to or EVERYWHERE in one.export_to:
        return None
    return frozenset(one.namespace if entry == HERE else entry for entry in one.export_to)


def _untold(mesh: Mesh, findings: Findings) -> None:
    """Said once: what came first is taken from the files where the objects do not tell."""
    routes = grouped(((way, one), vs) for vs in mesh.virtual_services for way in vs.gateways for one in vs.hosts)
    written = (one for one in mesh.destination_rules if not one.backend_policy)
    rules = grouped(((one.namespace, one.host), one) for one in written)
    hosts: list[tuple[VirtualService | DestinationRule, ...]] = [*routes.values(), *rules.values()]
    pairs = (pair for several in hosts for pair in combinations(several, 2))
    for one, other in pairs:
        if not (one.created and other.created) and _meet(one, other):
            text = "others are for the same host, and not each says when it was made (metadata.creationTimestamp)"
            text = f"{text}: what does not is taken as made last, in the order of the files"
            findings.notice(other.location, text, Topic.AGE_UNTOLD)
            return


def _rules(mesh: Mesh, findings: Findings) -> None:
    """DestinationRules for hosts that are none, and subsets that are defined twice."""
    owners: dict[object, str] = {}
    for rule in in_order(mesh.destination_rules):
        if not _is_of_a_service(mesh, rule.host):
            text = f"the host {rule.host} is no Service of these manifests"
            findings.notice(rule.location, text, Topic.RULE_HOST)
        seen = frozenset(rule.export_to), rule.kept_by_default
        merged = (rule.namespace, rule.host, seen, tuple(sorted((rule.selector or {}).items())))
        for subset in rule.subsets:
            first = owners.setdefault((merged, subset.name), rule.name)
            if first != rule.name:
                message = f"subset {subset.name} of {rule.host} is also defined by DestinationRule {first}"
                text = f"{message}, which is older and is the one that counts"
                findings.notice(subset.location, text, Topic.SUBSET_TWICE)


def _is_of_a_service(mesh: Mesh, name: str) -> bool:
    if not name.startswith("*"):
        return mesh.knows(name)
    return any(covers(name, service.host) for service in mesh.services)


def _served(mesh: Mesh, gateway: Gateway, findings: Findings) -> None:
    """What decides at a Gateway and cannot be told from the manifests."""
    places = sorted({one.namespace for one in mesh.serving(gateway)})
    if len(places) > 1:
        why = f"pods of the namespaces {' and '.join(places)} serve it, and what each sees may differ"
        findings.unproved(gateway.location, why)
    if not places and (meant := _labelled(mesh, gateway)):
        text = ", ".join(f"{name}: {value}" for name, value in gateway.selector.items())
        findings.unproved(gateway.location, f"no workload here has pods with {text}", needs=f"did you mean {meant}?")
    for port, hosts in _doubled(gateway):
        why = f"servers of port {port} have {hosts} for several namespaces: Envoy refuses two certificates for a name"
        findings.unproved(gateway.location, why, touches=(Entering(gateway.key, port),), topic=Topic.ENVOY_REFUSES)


def _labelled(mesh: Mesh, gateway: Gateway) -> str:
    """A label of pods that is nearly one that a Gateway selects; those of Istio's own gateways need not be here."""
    found = (_nearly(mesh, name, value) for name, value in gateway.selector.items() if value not in ISTIOS_OWN)
    return next(filter(None, found), "")


def _nearly(mesh: Mesh, name: str, value: str) -> str:
    """A label of pods that is there and nearly this one, which is not; many Gateways may select the same."""

    def look() -> str:
        there = sorted({one.labels[name] for one in mesh.workloads if name in one.labels})
        close = [] if value in there else [one for one in there if alike(value, one)]
        return f"{name}: {close[0]}" if close else ""

    return mesh.once(("build", "nearly", name, value), look)


def _doubled(gateway: Gateway) -> Iterator[tuple[int, str]]:
    """Ports with TLS on which a host stands once for one namespace and once for another."""
    pairs = (
        ((server.port, one), owner) for server in gateway.servers if server.ends_tls for owner, one in server.limits
    )
    for (port, one), owners in grouped(pairs).items():
        if len(set(owners)) > 1:
            yield port, one
