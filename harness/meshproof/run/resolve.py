"""A load made ready for its generator: requests derived, files located, and what checks compare recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.border.prescription import stream
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.manifest import Notice
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.requests.addresses import by_servers_port
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.selection import Selection


def located(load: Load, folder: Path) -> Load:
    """The load with its clients' PEM files, which stand in `folder`, under their whole names."""
    send = load.send if isinstance(load.send, tuple) else (load.send,)
    own = (replace(one, tls=_located(one.tls, folder)) if isinstance(one, Request) and one.tls else one for one in send)
    return replace(load, send=tuple(own), tls=_located(load.tls, folder))


def _located(tls: Tls, folder: Path) -> Tls:
    inline = tls.ca.startswith("-----BEGIN")
    return replace(
        tls,
        ca=tls.ca if inline or not tls.ca else str(folder / tls.ca),
        cert=str(folder / tls.cert) if tls.cert else "",
        key=str(folder / tls.key) if tls.key else "",
    )


def resolved(load: Load, mesh: Mesh, client: Source) -> tuple[Load, tuple[Notice, ...]]:
    """The load with every request of its client written out, each once.

    What brings nothing to a handshake yet gets the load's; a gateway without a namespace stands in the client's,
    and is entered by the number that its servers have for the port.
    """
    tls = load.tls if load.tls != Tls() else None
    found = probes(mesh, client, tls=tls) if load.derives else Selection(())
    requests = (
        replace(one, tls=load.tls) if one.scheme == "https" and one.tls is None else one
        for one in (_entering(mesh, one, client.namespace) for one in load.resolved(found.requests))
    )
    several = tuple(dict.fromkeys(requests))
    for one in several:
        # What cannot be read is refused before anything starts.
        stream(one)
    text = "of the probes of this rule, host or server {} are not sent: there are too many"
    notices = tuple(Notice(place, text.format(number)) for place, number in found.left_out)
    return replace(load, send=several), notices


def _entering(mesh: Mesh, request: Request, namespace: str) -> Request:
    if not request.gateway:
        return request
    key = request.gateway if "/" in request.gateway else f"{namespace}/{request.gateway}"
    named, gateway = replace(request, gateway=key), mesh.gateway(key)
    return by_servers_port(mesh, gateway, named) if gateway else named


def recording(load: Load, expectations: Iterable[Expectation]) -> Load:
    """The load with all parts of its answers recorded that the expectations name."""
    names = dict.fromkeys(load.headers)
    digest = load.digest
    for expectation in expectations:
        digest = digest or bool(expectation.body)
        for headers in (expectation.headers, *(arm.response_headers for arm in expectation.arms)):
            names |= dict.fromkeys(name for name, _ in headers.exact + headers.added)
            names |= dict.fromkeys(headers.absent)
        hashed = (arm.hashed_by for arm in expectation.arms if arm.hashed_by)
        if any(key.ttl is not None for one in hashed for key in one.keys):
            names["set-cookie"] = None
    return replace(load, headers=tuple(names), digest=digest)
