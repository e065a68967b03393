"""A person's own manifests, and the requests that show what they do: what is sent, and which checks hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TextIO

from meshproof.border.load import Load
from meshproof.border.request import Request, Tls
from meshproof.border.verdict import Precision
from meshproof.errors import Location, UsageError
from meshproof.judge import Mirror, NoErrors, Split
from meshproof.manifest import Manifests, Notice, load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.gateway_table import HANDSHAKE
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.samples import sample_requests
from meshproof.run.prepare import NAMESPACE, Prepared, prepared_load
from meshproof.run.verification.breakers import below, unverified
from meshproof.run.verification.faults import faults
from meshproof.scenario import Scenario


def prepare_verification(
    spec: Sequence[str],
    applied: Sequence[str],
    requests: Sequence[Request],
    precision: Precision,
    *,
    namespace: str = NAMESPACE,
    client: str = "",
    probed: bool = True,
    tls: Tls | None = None,
    stdin: TextIO | None = None,
) -> Prepared:
    """One's own YAML: expectations from `spec`, the mesh running `applied` (the same when empty).

    `client` is the namespace that requests come from (empty: the one of what names none, as short names are in any
    case). Where workloads are not `probed` nobody counts a mirror's copies, and who answers is known to the client's
    own proxy alone. `tls` is what the client brings to a gateway's handshake.
    """
    client = client or namespace
    specified = load(spec, stdin=stdin, namespace=namespace)
    actual = load(applied, namespace=namespace) if applied else specified
    notices: tuple[Notice, ...] = ()
    mesh = build(specified.resources).mesh
    requests = tuple(entering(mesh, from_namespace(mesh, one, namespace, client), tls) for one in requests)
    if requests:
        notices = tuple(_refused(mesh, requests, client, specified.resources[0].location))
    else:
        requests, notices = sample_requests(mesh, namespace=client, tls=tls)
    if not requests:
        places = "".join(f"\n    {notice}" for notice in notices)
        raise UsageError(f"no request to send could be guessed from {', '.join(spec)}: name one with --request{places}")
    mirrors = _mirrors(specified) or _mirrors(actual)
    if mirrors and not probed:
        text = "mirrors are not verified: the workloads here do not count what they receive"
        notices = (*notices, Notice(specified.resources[0].location, text))
    if not probed and any(request.gateway for request in requests):
        text = "who answers what enters by a gateway is not told here: that it is answered is verified, not by whom"
        notices = (*notices, Notice(specified.resources[0].location, text))
    split = Split(behind_gateways=probed)
    scenario = Scenario(
        name="verify",
        description="The mesh does what its manifests say.",
        manifests=tuple(spec),
        load=Load("steady", tuple(requests), tls=tls or Tls()),
        expect=(split, Mirror(), NoErrors()) if mirrors and probed else (split, NoErrors()),
    )
    prepared = prepared_load(scenario, [specified], [actual], precision, notices, namespace=client)
    checks, driven = faults(prepared.plan, prepared.load)
    expected = [*chain.from_iterable(prepared.plan.stages)]
    told = tuple(dict.fromkeys((*prepared.notices, *unverified(expected))))
    return replace(prepared, checks=(*prepared.checks, *checks), load=below(driven, expected), notices=told)


def _refused(mesh: Mesh, requests: Iterable[Request], namespace: str, location: Location) -> Iterator[Notice]:
    """What is said of requests whose handshake comes to nothing by specification."""
    for request in requests:
        found = predict(mesh, request, namespace=namespace)
        if found.refused == HANDSHAKE:
            yield Notice(location, f"only that {request} is refused is verified, no answer: {found.note}")


def _mirrors(manifests: Manifests) -> bool:
    """Whether any rule has a mirror."""
    mesh = build(manifests.resources).mesh
    return any(route.mirrors for service in mesh.virtual_services for route in service.http)
