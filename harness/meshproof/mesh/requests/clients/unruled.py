"""Requests and connections that no rule decides: to each port of a Service, or of its alias, that answers by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import CALLED, TLS, Request, connection
from meshproof.border.source import Source
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.connections.within import PROTOCOLS, SECURED
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import POD_TLS, short_name
from meshproof.mesh.requests.completing import A_METHOD, GRPC
from meshproof.mesh.requests.matching import image_paths


def uncalled(
    mesh: Mesh, client: Source, known: Iterable[Request], hosts: Collection[str] | None = None
) -> Iterator[Expectation]:
    """What is expected of one to each port of a Service to which none of the `known` requests goes, whoever decides it.

    It is one of those to another port of the Service, where nothing else gets an answer. `hosts` as below.
    """
    called: dict[str, dict[int, list[Request]]] = {}
    for request in known:
        service = None if request.gateway else asked_service(mesh, request, client.namespace)
        if service:
            called.setdefault(service.host, {}).setdefault(request.port, []).append(request)
    for service in mesh.services:
        ports = called.get(service.host, {})
        if not ports or (hosts is not None and service.host not in hosts):
            continue
        for call in calls(mesh, service, client):
            if call.port in ports:
                continue
            others = (one for each in ports.values() for one in each if not (one.is_tcp or call.is_tcp))
            tries = (call, *(replace(one, port=call.port) for one in others))
            found = (predict(mesh, one, client) for one in tries)
            yield from islice((one for one in found if one.arms or one.undecided), 1)


def addressed(mesh: Mesh, client: Source, hosts: Collection[str] | None = None) -> Iterator[Expectation]:
    """What is expected of one to each port of a Service by its addresses, where it has some; `hosts` as below."""
    for service in mesh.services:
        for address in service.own_addresses if hosts is None or service.host in hosts else ():
            for call in calls(mesh, service, client):
                one = predict(mesh, replace(call, host=address), client)
                if one.arms or one.undecided:
                    yield one


def unruled(mesh: Mesh, client: Source, hosts: Collection[str] | None = None) -> list[Expectation]:
    """What is expected of one to each port that a client can call and no rule decides; Gateways' own pods have none.

    `hosts` are those of the Services that are called (None: all).
    """
    entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)}
    found = []
    for service in mesh.services:
        if hosts is not None and service.host not in hosts:
            continue
        pods = mesh.selected(service.host)
        if not pods or not entered.issuperset(pod.key for pod in pods):
            several = (predict(mesh, one, client) for one in calls(mesh, service, client))
            found += [one for one in several if one.route is None and (one.arms or one.undecided)]
    return [*found, *_of_aliases(mesh, client, hosts)]


def calls(mesh: Mesh, service: Service, client: Source) -> Iterator[Request]:
    """What a client sends to each port of a Service."""
    host = short_name(service, client.namespace)
    path = next(image_paths(mesh, [service.host]), "/")
    for port in service.ports:
        if port.protocol == GRPC:
            yield Request("POST", host, port.number, A_METHOD, CALLED)
        elif port.is_http:
            yield Request("GET", host, port.number, path)
        elif port.protocol in PROTOCOLS:
            yield connection(host, port.number)
        elif port.protocol in SECURED:
            yield connection(host, port.number, scheme=TLS, tls=POD_TLS)


def _of_aliases(mesh: Mesh, client: Source, hosts: Collection[str] | None) -> list[Expectation]:
    """By the name of each ExternalName a request for each HTTP port of what it stands for, whoever decides it."""
    found = []
    for alias in mesh.aliases:
        if hosts is not None and alias.host not in hosts:
            continue
        if service := visibility.service(mesh, mesh.stands_for(alias.host), client.namespace):
            several = (one for one in calls(mesh, service, client) if not one.is_tcp)
            named = (replace(one, host=short_name(alias, client.namespace)) for one in several)
            found += [predict(mesh, one, client) for one in named]
    return found
