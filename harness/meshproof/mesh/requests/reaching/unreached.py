"""Why no request shows a rule: none can, or none was found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from meshproof.errors import Location
from meshproof.manifest.resource import Notice
from meshproof.mesh.alike import nearest
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.proxy.refused import unread
from meshproof.mesh.predict.visibility import sees, virtual_services
from meshproof.mesh.requests.addresses import kept_out, ports_of, redirecting
from meshproof.mesh.requests.reaching.sought import Sought

NONE = "no request reaches this rule"


def unreached(sought: Sought) -> Notice:
    """Why no request was found that a rule takes."""
    looks = [_undelegated, _hidden, _limited, _without_gateway, _astray, _unresolved]
    looks += [_not_exported, _outdone] if _is_tried(sought) else [_unserved]
    if why := next(filter(None, (look(sought) for look in looks)), ""):
        return Notice(sought.route.location, why)
    return Notice(sought.route.location, _not_found(sought), Topic.NOT_SHOWN)


def _is_tried(sought: Sought) -> bool:
    """Whether there is a request that meets its conditions, whichever rule takes it."""
    return any(next(sought.tries(one), None) for one in sought.virtual_service.gateways)


def _is_within(sought: Sought) -> bool:
    return sought.virtual_service.gateways == (MESH_GATEWAY,)


def _undelegated(sought: Sought) -> str:
    missing = sought.route.missing
    return (
        f"no request shows this rule: VirtualService {missing}, which it delegates to, is not known" if missing else ""
    )


def _hidden(sought: Sought) -> str:
    """The pods of no Gateway see it, though it is bound to them."""
    mesh, virtual_service = sought.mesh, sought.virtual_service
    bound = [one for key in virtual_service.gateways if (one := mesh.gateway(key))]
    if len(bound) < len(virtual_service.gateways):
        return ""
    places = {one.key: _places(mesh, one) for one in bound}
    if any(sees(one, virtual_service.export_to, virtual_service.namespace) for each in places.values() for one in each):
        return ""
    told, where = mesh.serving(bound[0]) or bound[0].listener, " and ".join(places[bound[0].key])
    why = "" if told else ", since no Deployment of theirs is among the manifests"
    exported = " and ".join(virtual_service.export_to)
    taken = "are" if told else "are taken to be"
    pods = f"the pods of Gateway {bound[0].called} {taken} in {where}{why}"
    return f"{NONE}: it is exported to {exported} alone, and {pods}"


def _places(mesh: Mesh, gateway: Gateway) -> Sequence[str]:
    """The namespaces of the pods that serve a Gateway; Istio's own where none are known."""
    return sorted({one.namespace for one in mesh.serving(gateway)}) or [mesh.pods_of(gateway)[0]]


def _limited(sought: Sought) -> str:
    """A Gateway serves its hosts for VirtualServices of other namespaces."""
    for gateway in sought.virtual_service.gateways:
        if next(kept_out(sought.mesh, sought.virtual_service, gateway), None):
            return f"{NONE}: Gateway {gateway} takes no VirtualService of namespace {sought.virtual_service.namespace}"
    return ""


def _without_gateway(sought: Sought) -> str:
    gateways = sought.virtual_service.gateways
    lacking = [one for one in gateways if one != MESH_GATEWAY and sought.mesh.gateway(one) is None]
    if len(lacking) < len(gateways):
        return ""
    meant = "".join(nearest(one, (gateway.called for gateway in sought.mesh.gateways)) for one in lacking[:1])
    return f"{NONE}: there is no Gateway {' and no '.join(lacking)}{meant}"


def _astray(sought: Sought) -> str:
    """It is for ports, and no request comes by one of them; nothing where one does, or may."""
    wrong: dict[str, None] = {}
    for match in sought.route.matches:
        gateways = sought.virtual_service.gateways
        ways = [one for one in gateways if one in (match.gateways or gateways)]
        ports = ports_of(sought.mesh, sought.virtual_service, ways)
        if match.port is None or not ports or match.port in ports:
            return ""
        there = " and ".join(str(one) for one in sorted(ports))
        wrong[f"it is for port {match.port}, and requests come by port {there} alone"] = None
    return f"{NONE}: {'; '.join(wrong)}" if wrong else ""


def _unresolved(sought: Sought) -> str:
    """Within the mesh, no client finds an address for any of its hosts."""
    hosts = sought.virtual_service.hosts
    if not _is_within(sought) or any(
        one.startswith("*") or sought.mesh.knows(one) or not one.endswith(f".{CLUSTER_DOMAIN}") for one in hosts
    ):
        return ""
    return f"{NONE}: no Service is called {' and '.join(hosts)}, so no client can resolve that name"


def _unserved(sought: Sought) -> str:
    """Its hosts are served nowhere; nothing where they are."""
    gateways, hosts = sought.virtual_service.gateways, " and ".join(sought.virtual_service.hosts)
    if any(next(sought.addresses(one), None) for one in gateways):
        return ""
    if _is_within(sought):
        unseen = f"no request of clients in {sought.client.namespace} reaches this rule: they do not see {hosts}"
        return _no_http(sought) or unseen
    for gateway in gateways:
        for where in redirecting(sought.mesh, sought.virtual_service, gateway):
            told = f"{gateway} redirects {hosts} to HTTPS (httpsRedirect at {where})"
            return f"{NONE}: {told}, and has no server of HTTPS for that"
    return f"{NONE}: no server of {' and '.join(gateways)} is for {hosts}"


def _no_http(sought: Sought) -> str:
    """All ports of its Services pass on what comes; nothing where one reads HTTP."""
    services = [one for host in sought.virtual_service.hosts for one in sought.mesh.services_of(host)]
    ports = [(one, port) for one in services for port in one.ports]
    if not ports or any(port.is_http for _, port in ports):
        return ""
    several = (f"port {port.number} of {one.called} speaks {port.protocol}" for one, port in ports)
    return f"{NONE}: it is for HTTP, and {' and '.join(several)}"


def _not_exported(sought: Sought) -> str:
    namespace, own = sought.client.namespace, sought.virtual_service
    if not _is_within(sought) or sees(namespace, own.export_to, own.namespace):
        return ""
    exported = " and ".join(own.export_to)
    return f"no request of clients in {namespace} reaches this rule: it is exported to {exported} alone"


def _outdone(sought: Sought) -> str:
    """Within the mesh another VirtualService decides for each of its hosts."""
    if not _is_within(sought):
        return ""
    own = sought.virtual_service
    seen = virtual_services(sought.mesh, MESH_GATEWAY, sought.client.namespace)
    firsts = []
    for host in own.hosts:
        named = (seen.several[at] for at in sorted(seen.hosts.candidates(host)) if host in seen.several[at].hosts)
        firsts.append(next(named, None))
    first = firsts[0] if firsts and all(one is not own for one in firsts) else None
    if first is None:
        return ""
    name = f"VirtualService {first.namespace}/{first.name} ({first.location})"
    return f"{NONE}: {name} decides alone for its hosts within the mesh, and is not merged"


def _not_found(sought: Sought) -> str:
    """What is known of a rule that nothing keeps requests from."""
    if not _is_tried(sought):
        return "no text was found that meets a condition of this rule: name a request with --request"
    for gateway in sought.virtual_service.gateways:
        for request in islice(sought.tries(gateway), 1):
            taken = sought.expectation(request).route
            if taken and taken in _after(sought):
                text = f"no request was found that reaches this rule: the rule at {taken} takes {request}"
                return f"{text}; name one with --request"
            if taken and taken != sought.route.location:
                text = "no request found that reaches this rule: it may be shadowed"
                return f"{text} by the rule at {taken}, which takes {request}; name one with --request"
            if not taken and (refusal := unread(request)):
                return f"no request over HTTP/1.1 reaches this rule: {request} gets {refusal.status}, for {refusal.why}"
    return "no request found that reaches this rule: it may be shadowed; name one with --request"


def _after(sought: Sought) -> set[Location]:
    """Where the rules stand that come after it: they cannot keep it from any request."""
    own, several = sought.route.location, [one.location for one in sought.virtual_service.http]
    return set(several[several.index(own) + 1 :]) if own in several else set()
