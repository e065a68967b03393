"""Requests of several clients through what a real istiod gives all sidecars, held against who is known to be let in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from drawn import CANONICAL, manifests, requests
from google.protobuf import json_format
from known import REFUSED, Outcome, applied, known
from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.envoy import resource_types as types
from meshproof.envoy.istiod.objects import cluster
from meshproof.envoy.istiod.snapshot import Given, converted
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.process.process import EnvoyProxy
from meshproof.envoy.resource import Resource
from meshproof.envoy.snapshot import snapshot
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.traffic.generator.prepared import Prepared
from sidecars import CLUSTER, LISTENER, Authority, address_of, receiving, sending

Json = dict[str, Any]

WAIT = 5.0
TLS_MODE = {"security.istio.io/tlsMode": "istio"}


@dataclass
class Case:
    """A mesh, what istiod is given of it, and who sends what."""

    number: int
    objects: list[Json]
    mesh: Mesh
    given: Given
    accounts: dict[str, tuple[str, str]]
    asked: Json
    sent: list[tuple[Source, list[Request]]] = field(default_factory=list)


def case(number: int) -> Case:
    draw = Random(number)
    several = manifests(draw)
    given = applied(several)
    mesh = build_all(given).mesh
    held = cluster(given.resources, mesh)
    addresses, accounts, roles = {}, {}, {}
    for at, (address, (pods, _)) in enumerate(held.pods.items(), 1):
        local = address_of(number + 1, at + 1)
        addresses[pods.key] = (Address(f"{pods.name}-0", {one.number: (local, one.number) for one in pods.ports}),)
        accounts[pods.key] = pods.namespace, pods.account
        roles[pods.key] = {
            "type": "sidecar",
            "namespace": pods.namespace,
            "labels": {CANONICAL: pods.labels["app"], **pods.labels},
            "address": address,
        }
    for one in held.objects:
        if one["kind"] == "Pod":
            key = f"{one['metadata']['namespace']}/{one['metadata']['name'].removesuffix('-0')}"
            one["spec"]["serviceAccountName"] = accounts[key][1]
            if not any(pods.key == key and pods.bypass for pods, _ in held.pods.values()):
                one["metadata"]["labels"] |= {**TLS_MODE, CANONICAL: one["metadata"]["labels"]["app"]}
    asked = {"name": str(number), "manifests": list(held.objects), "mesh": "", "autoMtls": True, "proxies": roles}
    called = [
        (name, port.number)
        for service in mesh.services
        for port in service.ports
        for name in (f"{service.name}.{service.namespace}", service.host)
        if port.number != 83
    ]
    made = Case(number, several, mesh, Given(mesh, held, addresses, {}, {}), accounts, asked)
    for pods in mesh.workloads:
        # What passes no sidecar goes by no rule.
        if pods.name.startswith("client") or (pods.name == "outsider" and not mesh.virtual_services):
            made.sent.append((source(pods.namespace, pods.labels), requests(draw, called, 12)))
    return made


def _resource(url: str, document: Json) -> Resource:
    message = json_format.ParseDict(document, types.MESSAGES[url]())
    return Resource(url, document["name"], message.SerializeToString(deterministic=True), ())


async def driven(
    one: Case, answer: Json, server: EnvoyProxy, client: EnvoyProxy, authority: Authority
) -> list[Outcome]:
    """What becomes of each request, beside what is known of it."""
    assert not answer.get("failed"), answer["failed"]
    if answer.get("refused"):
        # A cluster has another mesh than this one.
        return []
    opened = [_resource(types.LISTENER, each) for each in _receiving(one, answer, authority)]
    await server.apply(snapshot({types.CLUSTER: [_resource(types.CLUSTER, CLUSTER)], types.LISTENER: opened}))
    dependencies = Dependencies(one.mesh, one.mesh.unmodelled)
    found = []
    for sender, several in one.sent:
        (pods,) = (each for each in one.mesh.workloads if source(each.namespace, each.labels) == sender)
        proxy, theirs = Proxy(namespace=sender.namespace, labels=sender.labels), answer["proxies"][pods.key]
        clusters = sending(authority, theirs["clusters"], one.accounts[pods.key], one.mesh)
        given = replace(one.given, proxies={pods.key: proxy}, places={pods.key: ""})
        await client.apply(converted({**theirs, "clusters": clusters}, proxy, given))
        ports, own = await client.ports(), await client.tcp_ports()
        apart = listener_by_address(one.mesh, proxy)
        for drawn in several:
            service, opening = _called(one.mesh, drawn)
            local = own.get(apart.get((service.host, drawn.port), "")) or ports.get(drawn.port)
            place = ("127.0.0.1", local) if local else None
            if pods.bypass:
                ((at,),) = (one.given.addresses[each.key] for each in one.mesh.selected(service.host))
                place = at.ports[int(opening.target)]
            http = opening.is_http or opening.sniffed
            request = drawn if http else Request("", drawn.host, drawn.port, "", (), "tcp")
            expected = predict(one.mesh, request, sender)
            if place is None or not any(arm.workloads for arm in expected.arms):
                continue
            real = await (_asked(*place, request) if http else _connected(*place))
            found.append(known(one.mesh, dependencies, request, sender, real))
    return found


def _receiving(one: Case, answer: Json, authority: Authority) -> Iterator[Json]:
    """The listeners of all pods that are called, and of what stands for their containers."""
    yield LISTENER
    for pods in one.mesh.workloads:
        (place,) = one.given.addresses[pods.key]
        local, ports = next(iter(place.ports.values()))[0], sorted(place.ports)
        if pods.bypass:
            for port in ports:
                where = {"socket_address": {"address": local, "port_value": port}}
                yield {**LISTENER, "name": f"{local}:{port}", "address": where}
        else:
            listeners = answer["proxies"][pods.key]["listeners"]
            yield from receiving(authority, listeners, one.accounts[pods.key], local, ports)


def _called(mesh: Mesh, request: Request) -> tuple[Service, ServicePort]:
    """Which port of which Service it is for."""
    return next(
        (service, port)
        for service in mesh.services
        for port in service.ports
        if request.host in (service.host, service.called) and request.port == port.number
    )


async def _asked(place: str, port: int, request: Request) -> int:
    prepared = Prepared(request.method, request.authority, request.path, request.headers, request.body, ("", 0))
    reader, writer = await asyncio.open_connection(place, port)
    try:
        writer.write(prepared.before + b"1" + prepared.after)
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                return int((await reader.readuntil(b"\r\n")).split()[1])
            return REFUSED
    finally:
        writer.close()


async def _connected(place: str, port: int) -> int:
    """200 where the bytes come back, 403 where the connection is ended instead."""
    reader, writer = await asyncio.open_connection(place, port)
    try:
        # A pod whose sidecar takes it for HTTP after all answers so.
        writer.write(b"GET /a HTTP/1.1\r\nhost: tcp\r\n\r\n")
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError):
                came = await reader.read(12)
                return int(came[9:]) if came else REFUSED
            return REFUSED
    finally:
        writer.close()
