"""Answers that a proxy gives itself, as its client sees them.

To gRPC a proxy answers with status 200 and says in headers what is meant (border/grpc.py). Measured for direct
responses, redirects, unknown paths and hosts, faults, and destinations that cannot be reached.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from meshproof.border import expectation as border
from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.border.grpc import CONTENT_TYPE, MESSAGE_HEADER, STATUS_HEADER, grpc_status, is_grpc, message
from meshproof.mesh.model.virtual_service import Abort
from meshproof.mesh.predict.header_effect import with_exact
from meshproof.mesh.predict.proxy.changes import at_clients
from meshproof.mesh.predict.proxy.seen import Seen

CONTENT_TYPE_HEADER, LOCATION = "content-type", "location"
UNCHANGED = HeaderExpectation()
BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def answered(
    plain: Expectation,
    request: Seen,
    status: int,
    *,
    note: str = "",
    body: str = "",
    target: str = "",
    headers: HeaderExpectation = UNCHANGED,
) -> Expectation:
    """The expectation of an answer by the proxy itself; `headers` are what its rule makes of them.

    `target` is the Location that the proxy writes, which its rule may change.
    """
    where = _location(headers, target)
    shown = _typed(at_clients(headers), body)
    # The Location is expected by itself.
    shown = _dropped(shown, LOCATION) if where else shown
    if is_grpc(request.text(CONTENT_TYPE_HEADER)):
        pairs = [(CONTENT_TYPE_HEADER, CONTENT_TYPE), (STATUS_HEADER, str(grpc_status(status)))]
        if body and request.request.method != "HEAD":
            pairs.append((MESSAGE_HEADER, message(body)))
        shown, status, body = with_exact(shown, *pairs), HTTPStatus.OK, ""
    if status in BODILESS or request.request.method == "HEAD":
        body = ""
    redirect = border.Redirect(int(status), where) if where else None
    return replace(plain, status=int(status), note=note, body=body, redirect=redirect, headers=shown)


def aborted(abort: Abort | None, request: Seen) -> border.Abort | None:
    """What a fault answers; a client that speaks no gRPC is told nothing of a gRPC status."""
    if abort is None:
        return None
    if not is_grpc(request.text(CONTENT_TYPE_HEADER)):
        return border.Abort(abort.share, abort.status, abort.location)
    said = grpc_status(abort.status) if abort.grpc_status is None else abort.grpc_status
    return border.Abort(abort.share, int(HTTPStatus.OK), abort.location, said)


def _typed(headers: HeaderExpectation, body: str) -> HeaderExpectation:
    """Envoy writes the type of a body that has none, and takes it away where there is no body."""
    absent = tuple(name for name in headers.absent if name != CONTENT_TYPE_HEADER)
    kept = replace(headers, absent=absent)
    return kept if body else _dropped(kept, CONTENT_TYPE_HEADER)


def _location(headers: HeaderExpectation, target: str) -> str:
    if not target or LOCATION in headers.absent:
        return ""
    exact = dict(headers.exact).get(LOCATION)
    return exact if exact is not None else ",".join([target, *(v for name, v in headers.added if name == LOCATION)])


def _dropped(headers: HeaderExpectation, name: str) -> HeaderExpectation:
    exact = tuple(pair for pair in headers.exact if pair[0] != name)
    added = tuple(pair for pair in headers.added if pair[0] != name)
    return replace(headers, exact=exact, added=added)
