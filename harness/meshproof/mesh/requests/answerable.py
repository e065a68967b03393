"""Requests that nothing can answer, and what may have been meant instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.model.gateway import ENCRYPTED
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import ADDRESS, covers
from meshproof.mesh.model.unmodelled import Asked
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.mesh.predict.called import above, asked_service
from meshproof.mesh.predict.gateways.servers import entries
from meshproof.mesh.predict.mesh_table import HANDSHAKE
from meshproof.mesh.predict.visibility import alias
from meshproof.mesh.requests.addresses import short_name

NAMED = 3
INGRESS, DEPLOYMENT, GATEWAY = "Ingress", "Deployment", "Gateway"


def why_unanswered(mesh: Mesh, expectation: Expectation, namespace: str) -> str:
    """Why neither a workload nor a rule answers a request, with what may have been meant; empty where one does."""
    if unresolved := unresolved_name(mesh, expectation.request, namespace):
        return _with_hint(mesh, expectation, namespace, unresolved)
    if expectation.refused:
        if address := _unknown_address(mesh, expectation.request):
            return address
        # What a server asks of its clients' certificates refuses them by specification.
        return "" if _is_served(mesh, expectation) else _with_hint(mesh, expectation, namespace, expectation.note)
    if why := _not_http(mesh, expectation.request, namespace):
        return why
    if expectation.route is not None:
        return _no_pods(expectation)
    if expectation.redirect is not None or expectation.looked_at:
        # Rules stand for its host, and say what is answered where none of them takes it.
        return ""
    if address := _unknown_address(mesh, expectation.request):
        return address
    if mesh.config.outbound is OutboundMode.REGISTRY_ONLY and not expectation.request.gateway:
        # That nobody answers is what the mesh's configuration says.
        return "" if expectation.status else _no_pods(expectation)
    if expectation.status:
        answer = f"the proxy answers {expectation.status}: {expectation.note}"
        return _with_hint(mesh, expectation, namespace, answer)
    return _no_pods(expectation)


def suffices(built: Built, expected: Iterable[Expectation], namespace: str) -> bool:
    """Whether the documents that a mesh is built of, chosen by some requests, tell what becomes of these requests.

    Whether a workload was meant for a Service that selects none, which Gateway by a name, and what a request was meant
    to be that nothing answers, is told by all documents alone.
    """
    if any(one.kind in (DEPLOYMENT, GATEWAY) for one in built.stood_in):
        return False
    return not any(why_unanswered(built.mesh, one, namespace) for one in expected)


def _unknown_address(mesh: Mesh, request: Request) -> str:
    """Why it is not known what is called where an address is; empty where it is a name, or a ServiceEntry says it.

    A sidecar has the addresses of Services among its hosts, which a cluster gives them.
    """
    if not ADDRESS.fullmatch(request.domain) or request.gateway or mesh.services_at(request.domain):
        return ""
    return f"whether {request.domain} is the address of a Service is not known here: ask for its name"


def unresolved_name(mesh: Mesh, request: Request, namespace: str) -> str:
    """Why a client within the mesh may find no address for the host that it connects to; empty where it finds one."""
    host = request.host.lower().removesuffix(".")
    if request.gateway or ADDRESS.fullmatch(host) or mesh.knows(host) or alias(mesh, host, namespace):
        return ""
    if mesh.patterns_for(host):
        return ""
    place = f".{namespace}" if "." not in host else ""
    if any(one.host.startswith(f"{host}{place}.") for one in mesh.services_called(host.partition(".")[0])):
        return ""
    if service := above(mesh, host, namespace):
        name = host.partition(".")[0]
        pods = _pods(mesh, service)
        return "" if name in pods else f"no pod of a StatefulSet behind {service.called} is called {name}"
    if "." not in host or host.endswith(f".{CLUSTER_DOMAIN}"):
        return f"no Service is called {host}, so no client can resolve that name"
    return f"no Service is called {host}, and whether a client can resolve that name is not known here"


def _pods(mesh: Mesh, service: Service) -> set[str]:
    """The names that the pods behind a headless Service have in DNS."""
    sets = [one for one in mesh.behind(service) if one.kind == "StatefulSet"]
    return {f"{one.name}-{number}" for one in sets for number in range(one.replicas)}


def _not_http(mesh: Mesh, request: Request, namespace: str) -> str:
    """Why no request of HTTP shows what a port does; empty where one does, or it is none."""
    service = None if request.gateway or request.is_tcp else asked_service(mesh, request, namespace)
    for port in service.ports if service else ():
        if service is None or port.number != request.port:
            continue
        address = f"{request.host}:{request.port}"
        if not port.is_http:
            from meshproof.mesh.predict.connections.within import PROTOCOLS, SECURED

            shown = f"ask for tls://{address}" if port.protocol in SECURED else "it passes the mesh as it is, unseen"
            shown = f"ask for tcp://{address}" if port.protocol in PROTOCOLS else shown
            return f"port {port.number} of {service.called} speaks {port.protocol}, not HTTP: {shown}"
        if request.scheme == "https":
            return f"port {port.number} of {service.called} speaks {port.protocol}, not TLS: ask for http://{address}"
    return ""


def _no_pods(expectation: Expectation) -> str:
    drawn = [one for one in expectation.arms if one.share]
    if drawn and not any(one.workloads for one in drawn):
        return "; ".join(dict.fromkeys(one.note for one in drawn if one.note))
    return ""


def _with_hint(mesh: Mesh, expectation: Expectation, namespace: str, why: str) -> str:
    if not expectation.request.gateway and (opened := _by_ingress(mesh, expectation.request.domain)):
        return f"{why}: {opened} has that host, and is not modelled"
    hint = _meant(mesh, expectation, namespace)
    return f"{why}: did you mean {hint}?" if hint else why


def _by_ingress(mesh: Mesh, name: str) -> str:
    """The Ingress that names a host, with its place; empty where none does."""
    for one in mesh.unmodelled:
        if one.kind == INGRESS:
            hosts = {host for touch in one.touches if isinstance(touch, Asked) for host in touch.hosts} - {"*"}
            if any(covers(host, name) for host in hosts):
                return f"{one.subject} ({one.location})"
    return ""


def _is_served(mesh: Mesh, expectation: Expectation) -> bool:
    """Whether a server with TLS is there for the host of a request whose handshake comes to nothing."""
    request = expectation.request
    gateway = mesh.gateway(request.gateway)
    if expectation.refused != HANDSHAKE or gateway is None:
        return False
    return any(
        one.server.port == request.port and one.server.protocol in ENCRYPTED and covers(host, request.host.lower())
        for one in entries(mesh, gateway)
        for host in one.server.hosts
        if request.scheme in ("https", "tls")
    )


def _meant(mesh: Mesh, expectation: Expectation, namespace: str) -> str:
    """A host, a port, a namespace or a gateway that is there and alike."""
    request = expectation.request
    if request.gateway:
        return _meant_at_gateway(mesh, request, namespace)
    service = asked_service(mesh, request, namespace)
    if service is not None:
        ports = [port.number for port in service.ports]
        if request.port in ports:
            # It is not for its port that nobody answers.
            return ""
        return " or ".join(f"port {number}" for number in ports[:NAMED])
    name = request.domain
    if mesh.knows(name):
        return ""
    elsewhere = mesh.services_called(name.partition(".")[0])
    if elsewhere:
        own = f"{name}." if "." in name else f"{name}.{namespace}."
        others = [short_name(one, namespace) for one in elsewhere if not one.host.startswith(own)]
        return " or ".join(others[:NAMED])
    if entered := _entered(mesh, name):
        return entered
    return _closest(name, [*_forms(mesh, namespace), *_named(mesh.virtual_services)])


def _entered(mesh: Mesh, name: str) -> str:
    """The ports on which Gateways serve a name that no Service has."""
    served = [
        f"port {server.port} of Gateway {gateway.called}"
        for gateway in mesh.gateways
        for server in gateway.servers
        if any(covers(host, name) and host != "*" for host in server.hosts)
    ]
    return " or ".join(dict.fromkeys(served[:NAMED]))


def _meant_at_gateway(mesh: Mesh, request: Request, namespace: str) -> str:
    gateway = mesh.gateway(request.gateway)
    if gateway is None:
        return _closest(request.gateway, [one.key for one in mesh.gateways])
    served = entries(mesh, gateway)
    ports = dict.fromkeys(one.server.port for one in served)
    if request.port not in ports:
        return " or ".join(f"port {number}" for number in islice(ports, NAMED))
    hosts = [host for one in served for host in one.server.hosts if not host.startswith("*")]
    named = [*hosts, *_named(mesh.bound_to(gateway.key))]
    if request.domain in named:
        return ""
    # A gateway for every host also gets what was meant for a Service.
    return _closest(request.domain, named) or _service_meant(mesh, request.domain, namespace)


def _service_meant(mesh: Mesh, name: str, namespace: str) -> str:
    elsewhere = mesh.services_called(name.partition(".")[0])
    if elsewhere:
        return " or ".join([short_name(one, namespace) for one in elsewhere][:NAMED])
    return _closest(name, _forms(mesh, namespace))


def _forms(mesh: Mesh, namespace: str) -> list[str]:
    """What Services are called: in short, and with their namespaces."""
    return [form for one in mesh.services for form in (short_name(one, namespace), f"{one.name}.{one.namespace}")]


def _named(virtual_services: Iterable[VirtualService]) -> list[str]:
    return [host for one in virtual_services for host in one.hosts if not host.startswith("*")]


def _closest(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, [one for one in dict.fromkeys(known) if one != name], 1)
    return found[0] if found else ""
