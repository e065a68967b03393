"""Destinations and mirrors that do not answer: no Service, no port, no subset, or not exported to who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.contexts import clients, connecting, meeting, services_of
from meshproof.lint.folder import Folder
from meshproof.lint.raw import field
from meshproof.mesh.alike import alike
from meshproof.mesh.model import names
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE, Service
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, VirtualService
from meshproof.mesh.predict.destinations import UNAVAILABLE, Lack, backend, resolved
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.visibility import sees
from meshproof.records import dataclass

NOT_FOUND, ELSEWHERE, SHORT, HALF = "not found", "elsewhere", "short", "half"
NO_SUBSET, HIDDEN_SUBSET = "no subset", "hidden subset"
# Services of Istio's own installation, which are in no folder of manifests.
OF_ISTIO = frozenset({"istiod", *(f"istio-{way}gateway" for way in ("ingress", "egress", "eastwest"))})
# What a destination may lack without a reference that is wrong.
UNSAID = (None, Lack.PODS, Lack.CONTAINER_PORT, Lack.AUTHORITY)


@dataclass(frozen=True, slots=True)
class Miss:
    """A destination that does not answer, for some or all who have its rule."""

    sort: str
    found: Found


def misses(folder: Folder) -> tuple[Miss, ...]:
    """All of them, found once for all checks of this file."""
    return folder.mesh.once(("lint", "misses"), lambda: tuple(dict.fromkeys(_misses(folder))))


def _misses(folder: Folder) -> Iterator[Miss]:
    mesh = folder.mesh
    for one in mesh.virtual_services:
        asking = list(clients(mesh, one))
        for route in one.http:
            met = [found for client in asking if (found := meeting(route, client))]
            for aim in route.aims:
                # A backend that no ReferenceGrant opens has no host.
                if aim.host and " " not in aim.host:
                    yield from _of(folder, one, aim, met, route.missing_status)
        for connection in (*one.tcp, *one.tls):
            met = list(connecting(mesh, one, connection))
            for each in connection.destinations:
                yield from _of(folder, one, each.destination, met)


def _of(
    folder: Folder, owner: VirtualService, aim: Destination, met: list[Client], missing: int = UNAVAILABLE
) -> Iterator[Miss]:
    if not folder.knows(aim.host):
        if folder.mesh.services:
            yield _unknown(folder, owner.namespace, aim)
        told = aim.host in folder.rules or (folder.rules and not folder.mesh.services)
        if aim.subset and told and _defining(folder, aim) is None:
            what = f"no DestinationRule defines the subset {aim.subset} of {_called(aim.host)}"
            yield Miss(NO_SUBSET, Found(aim.location, what, fix=_defined(folder, aim)))
        return
    if pattern := folder.pattern_alone(aim.host):
        text = f"only {pattern} is there, and a destination finds no pattern that covers it: Envoy answers 503"
        yield Miss(
            NOT_FOUND, Found(aim.location, text, fix=f"Write '{pattern}', or add a ServiceEntry for {aim.host}.")
        )
        return
    found = [(client, backend(folder.mesh, resolved(folder.mesh, aim, client), client, missing)) for client in met]
    lacking = [(client, one) for client, one in found if one.lack not in UNSAID]
    if not lacking or aim.host in folder.refused_hosts:
        return
    client, first = lacking[0]
    if first.lack is Lack.SUBSET:
        yield _subset(folder, aim, client, first.note)
        return
    # Who has it by a ServiceEntry of their own namespace gets further than these clients.
    known = {port.number for each in folder.mesh.services_of(aim.host) for port in each.ports}
    if first.lack is Lack.PORT and aim.port in known:
        return
    # Without a Service among the hosts the port that requests come by is a guess.
    sure = client.gateway != MESH_GATEWAY or any(one.ports for one in services_of(folder.mesh, owner))
    if first.lack is not Lack.PORT_LEFT_OUT or (sure and len(lacking) == len(found)):
        yield Miss(str(first.lack), Found(aim.location, first.note))


def _subset(folder: Folder, aim: Destination, client: Client, note: str) -> Miss:
    """A subset that a client does not have: defined nowhere, or where it does not see it."""
    rule = _defining(folder, aim)
    if rule is None:
        return Miss(NO_SUBSET, Found(aim.location, note, fix=_defined(folder, aim)))
    text = f"clients in {client.namespace} do not see DestinationRule {rule.namespace}/{rule.name}"
    text = f"{text}, which alone defines the subset {aim.subset} ({rule.location})"
    return Miss(HIDDEN_SUBSET, Found(aim.location, text, rule.location, _moved(folder, aim, client, rule)))


def _moved(folder: Folder, aim: Destination, client: Client, rule: DestinationRule) -> str:
    """Where a rule belongs that is exported to a client, and stands in a namespace that it does not look in."""
    if not sees(client.namespace, rule.export_to, rule.namespace):
        return ""
    homes = [one.namespace for one in folder.mesh.services_of(aim.host)] or [client.namespace]
    return (
        f"Move the DestinationRule to {homes[0]}: clients look in their own namespace, the Service's and istio-system."
    )


def _defining(folder: Folder, aim: Destination) -> DestinationRule | None:
    """A DestinationRule that defines the subset for that host, whoever sees it."""
    return next((one for one in _for_host(folder, aim) for each in one.subsets if each.name == aim.subset), None)


def _for_host(folder: Folder, aim: Destination) -> tuple[DestinationRule, ...]:
    wide = (several for host, several in folder.wide_rules.items() if names.covers(host, aim.host))
    return (*folder.rules.get(aim.host, ()), *(one for each in wide for one in each))


def _defined(folder: Folder, aim: Destination) -> str:
    """To write the subset that is defined there and nearly this one; empty where none is."""
    several = (each.name for one in _for_host(folder, aim) for each in one.subsets)
    meant = next((name for name in several if alike(aim.subset, name)), "")
    return f"Write {meant}, or define {aim.subset} in a DestinationRule for that host." if meant else ""


def _unknown(folder: Folder, namespace: str, aim: Destination) -> Miss:
    """A host that nothing has: what was meant goes by the Services that there are."""
    if alias := folder.mesh.alias(aim.host):
        text = f"{alias.called} is an ExternalName for {alias.alias_of}, which no Service and no ServiceEntry has"
        return Miss(NOT_FOUND, Found(aim.location, text, alias.location))
    name, _, rest = aim.host.partition(".")
    others = [one for one in folder.mesh.services_called(name) if not one.hostname]
    if aim.host == f"{name}.{namespace}.{CLUSTER_DOMAIN}" and others:
        text = f"this means {_called(aim.host)}, and the Service {name} is in {others[0].namespace}"
        fix = f"Write {others[0].host}."
        if not _says_where(folder, others[0]):
            text = f"{text}, for its manifest names no namespace"
            fix = f"Give it the namespace {namespace}, be it by -n {namespace}, or write {others[0].host}."
        return Miss(SHORT, Found(aim.location, text, others[0].location, fix))
    meant = next(
        (one for one in others if aim.host in (f"{name}.{one.namespace}", f"{name}.{one.namespace}.svc")), None
    )
    if meant:
        text = f"{aim.host} is taken as it is written, and no Service has that host: a name with a dot is not completed"
        return Miss(HALF, Found(aim.location, text, meant.location, f"Write {meant.host}."))
    place = rest.removesuffix(f".{CLUSTER_DOMAIN}")
    if place == ROOT_NAMESPACE and name in OF_ISTIO:
        return Miss(ELSEWHERE, Found(aim.location, f"{_called(aim.host)} is not among these manifests"))
    if aim.host.endswith(f".{CLUSTER_DOMAIN}") and place in folder.namespaces:
        return Miss(NOT_FOUND, Found(aim.location, f"no Service is called {_called(aim.host)}"))
    return Miss(ELSEWHERE, Found(aim.location, f"{_called(aim.host)} is not among these manifests"))


def _says_where(folder: Folder, service: Service) -> bool:
    """Whether its manifest names the namespace, or the one that is given for all that name none stands in."""
    own = (
        one for one in folder.of_kind("Service", "") if (one.namespace, one.name) == (service.namespace, service.name)
    )
    return any(field(one.body, "metadata", "namespace") is not None for one in own)


def _called(host: str) -> str:
    return host.removesuffix(f".{CLUSTER_DOMAIN}")


def _sort(*sorts: str) -> Callable[[Folder], Iterator[Found]]:
    return lambda folder: (one.found for one in misses(folder) if one.sort in sorts)


def alone(folder: Folder) -> Iterator[Found]:
    """Said once of a folder that holds no Services at all."""
    if not folder.mesh.services and folder.mesh.virtual_services:
        text = "these manifests hold no Services: whether hosts and destinations exist is not looked up"
        yield Found(folder.mesh.virtual_services[0].location, text)


CHECKS = (
    Check(
        "MP010",
        Severity.ERROR,
        "A destination is no Service",
        "Correct the host, or add the Service.",
        _sort(NOT_FOUND, str(Lack.SERVICE)),
        ("IST0101",),
    ),
    Check(
        "MP011",
        Severity.INFO,
        "A destination is not among these manifests",
        "Lint it together with the Service or ServiceEntry.",
        _sort(ELSEWHERE),
        ("IST0101",),
    ),
    Check(
        "MP012",
        Severity.ERROR,
        "A subset is not defined",
        "Define the subset in a DestinationRule for that host.",
        _sort(NO_SUBSET),
        ("IST0101",),
    ),
    Check(
        "MP013",
        Severity.ERROR,
        "A destination's port is none of the Service",
        "Name a port that the Service has.",
        _sort(str(Lack.PORT)),
        ("IST0101",),
    ),
    Check(
        "MP014",
        Severity.ERROR,
        "A destination leaves its port out, and needs one",
        "Give the destination its port.number.",
        _sort(str(Lack.PORT_LEFT_OUT)),
        ("IST0112",),
    ),
    Check(
        "MP015",
        Severity.ERROR,
        "A destination is not exported to who asks for it",
        "Export the Service to that namespace.",
        _sort(str(Lack.EXPORT)),
        ("IST0101",),
    ),
    Check(
        "MP016",
        Severity.ERROR,
        "A subset is hidden from who asks for it",
        "Export the DestinationRule to that namespace.",
        _sort(HIDDEN_SUBSET),
    ),
    Check(
        "MP017",
        Severity.ERROR,
        "A short name means a Service of another namespace",
        "Write the Service's full name.",
        _sort(SHORT),
        ("IST0101",),
    ),
    Check(
        "MP018",
        Severity.ERROR,
        "A name is only half of a full one",
        "Write the Service's full name.",
        _sort(HALF),
        ("IST0101",),
    ),
    Check(
        "MP019",
        Severity.INFO,
        "The folder holds routing alone",
        "Lint it together with the Services.",
        alone,
    ),
)
