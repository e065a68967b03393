"""Objects that compete for one host: which of them counts, and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.errors import Location
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder
from meshproof.lint.raw import each, text
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.visibility import HERE
from meshproof.mesh.model.destination_rule import DestinationRule, TrafficPolicy
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.policies import destination_rules
from meshproof.records import dataclass


def beside_routes(folder: Folder) -> Iterator[Found]:
    """HTTPRoutes for a Service that a VirtualService is for, too."""
    mesh = folder.mesh
    routes = [one for one in mesh.bound_to(MESH_GATEWAY) if one.gateway_api]
    bound = mesh.bound_to(MESH_GATEWAY) if routes else ()
    for route in routes:
        for host in route.hosts:
            for at in mesh.naming(MESH_GATEWAY).exact.get(host, ()):
                other = bound[at]
                if other.gateway_api:
                    continue
                first = visibility.virtual_services(mesh, MESH_GATEWAY, route.namespace)
                counting = first.hosts.exact.get(host, ())
                # Clients there see neither where the Service is not exported to them.
                if not counting:
                    continue
                winner = first.several[counting[0]]
                wins = "the HTTPRoute" if winner.gateway_api else "the VirtualService"
                what = f"{host} has a VirtualService, too ({other.location})"
                said = f"they are not merged, and clients in {route.namespace} get {wins} alone"
                yield Found(route.location, f"{what}: {said}", other.location)


def shadowed_services(folder: Folder) -> Iterator[Found]:
    """ServiceEntries for a host that is a Service's."""
    for service in folder.mesh.services:
        for one in folder.mesh.services_of(service.host) if not service.hostname else ():
            if one.hostname:
                said = f"{one.host} is also the Service of {service.location}"
                seen = visibility.service(folder.mesh, one.host, one.namespace)
                says = "the ServiceEntry" if seen is one else "the Service"
                yield Found(one.location, f"{said}: clients in {one.namespace} get {says}", service.location)
    yield from each(folder.of_kind("ServiceEntry"), lambda resource: _own_service(folder, resource))


def _own_service(folder: Folder, resource: Resource) -> Iterator[Found]:
    """A Service of the same namespace takes the endpoints of the ServiceEntry, and is one with it."""
    for value in resource.body.need("spec").list("hosts"):
        service = folder.mesh.service(value.text().lower())
        if service is not None and not service.hostname and service.namespace == resource.namespace:
            said = f"{value.text()} is also the Service of {service.location}: requests get the endpoints of both"
            yield Found(value.location, said, service.location)


def protocols(folder: Folder) -> Iterator[Found]:
    """ServiceEntries that give one port of a host several protocols."""
    refused = {one.identity for one in folder.built.left_out}
    pairs = (pair for one in folder.of_kind("ServiceEntry") if one.identity not in refused for pair in _spoken(one))
    for (name, number), several in grouped(pairs).items():
        first = several[0]
        for one in several[1:]:
            met = (
                not (one.seen and first.seen) or "*" in (*one.seen, *first.seen) or not one.seen.isdisjoint(first.seen)
            )
            if one.protocol != first.protocol and met:
                said = f"port {number} of {name} is {one.protocol or 'TCP'} here"
                said = f"{said}, and {first.protocol or 'TCP'} in {first.resource} ({first.location})"
                yield Found(one.location, said, first.location)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The protocol of one port of a ServiceEntry, and the namespaces that see it (none: all)."""

    protocol: str
    seen: frozenset[str]
    resource: Resource
    location: Location


def _spoken(resource: Resource) -> Iterator[tuple[tuple[str, int], _Spoken]]:
    spec = resource.body.need("spec")
    seen = frozenset(resource.namespace if one.text() == HERE else one.text() for one in spec.list("exportTo"))
    for host in spec.list("hosts"):
        for port in spec.list("ports"):
            key = (host.text().lower(), port.need("number").whole())
            yield key, _Spoken(text(port, "protocol").upper(), seen, resource, port.location)


def policies(folder: Folder) -> Iterator[Found]:
    """DestinationRules whose traffic policy an older one for the same host takes the place of."""
    nothing = TrafficPolicy()
    for host, several in folder.rules.items():
        service = folder.mesh.service(host)
        with_policy = [one for one in several if one.policy != nothing]
        if service is None or len(with_policy) < 2:
            continue
        for place in dict.fromkeys(one.namespace for one in with_policy):
            yield from _second(destination_rules.rules(folder.mesh, service, place), nothing)


def _second(counting: tuple[DestinationRule, ...], nothing: TrafficPolicy) -> Iterator[Found]:
    several = [one for one in counting if one.policy != nothing and not one.backend_policy]
    for one in several[1:]:
        first = several[0]
        said = f"DestinationRule {first.namespace}/{first.name} has a trafficPolicy for {one.host}, too"
        yield Found(
            one.location, f"{said} ({first.location}): that one counts, and this one is left out", first.location
        )


def alike(folder: Folder) -> Iterator[Found]:
    """Gateways whose servers have a port and a host in common: those with TLS, whose certificates compete."""
    return (found for tls, found in conflicts(folder) if tls)


def alike_plain(folder: Folder) -> Iterator[Found]:
    """The same of servers without TLS, whose routes count together."""
    return (found for tls, found in conflicts(folder) if not tls)


def conflicts(folder: Folder) -> tuple[tuple[bool, Found], ...]:
    """Servers of Gateways for the same pods with the same port and host, and whether TLS is spoken there."""
    return folder.mesh.once(("lint", "gateways alike"), lambda: tuple(dict.fromkeys(_conflicts(folder))))


def _conflicts(folder: Folder) -> Iterator[tuple[bool, Found]]:
    pairs = (
        ((server.port, *limit), (gateway, server))
        for gateway in folder.mesh.gateways
        if gateway.is_written
        for server in gateway.servers
        for limit in server.limits
    )
    for (port, _, host), several in grouped(pairs).items():
        by_pods = grouped((frozenset(gateway.selector.items()), (gateway, server)) for gateway, server in several)
        for pods, here in by_pods.items():
            wider = [pair for other, there in by_pods.items() if other < pods for pair in there]
            first, _ = (*wider, *here)[0]
            for gateway, server in here:
                if gateway is not first:
                    tls = bool(server.tls.mode) or bool(server.tls.credential_name)
                    said = f"Gateway {first.key} serves port {port} for {host} by the same pods, too"
                    yield tls, Found(server.location, f"{said} ({first.location})", first.location)


CHECKS = (
    Check(
        "MP040",
        Severity.ERROR,
        "Two VirtualServices are for one host within the mesh",
        "Put their rules into one VirtualService.",
        about(Topic.COMPETING),
        ("IST0109",),
    ),
    Check(
        "MP041",
        Severity.INFO,
        "Which of several objects is older is not told",
        "Lint what `kubectl get -o yaml` shows, or write one object.",
        about(Topic.AGE_UNTOLD),
    ),
    Check(
        "MP042",
        Severity.WARNING,
        "An HTTPRoute and a VirtualService are for one Service",
        "Keep one of the two.",
        beside_routes,
    ),
    Check(
        "MP043",
        Severity.WARNING,
        "A ServiceEntry has the host of a Service",
        "Give the ServiceEntry a host of its own.",
        shadowed_services,
    ),
    Check(
        "MP044",
        Severity.WARNING,
        "ServiceEntries give one port several protocols",
        "Write the same protocol in each.",
        protocols,
        ("IST0177",),
    ),
    Check(
        "MP045",
        Severity.WARNING,
        "A DestinationRule's policy is left out for an older one",
        "Put both policies into one DestinationRule.",
        policies,
    ),
    Check(
        "MP046",
        Severity.WARNING,
        "A subset is defined twice",
        "Keep one of the two.",
        about(Topic.SUBSET_TWICE),
    ),
    Check(
        "MP047",
        Severity.ERROR,
        "Two Gateways have TLS for one host and port",
        "Put both servers into one Gateway.",
        alike,
        ("IST0145",),
    ),
    Check(
        "MP048",
        Severity.INFO,
        "Two Gateways serve one host and port",
        "Put both servers into one Gateway.",
        alike_plain,
        ("IST0145",),
    ),
)
