"""What a guessed request needs beside the conditions of its rule, so that its answer shows the mesh alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.prescription import HEADER, Prescription
from meshproof.border.request import CALLED, Request
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import StringMatch
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.requests.example import accepted

# What the stand-ins for sample images answer with 200 (workload/behaviours); others answer everything with it.
ANSWERED = {
    "helloworld": frozenset({"/hello", "/health"}),
    "httpbin": frozenset({"/get", "/headers", "/status/200", "/delay/0", "/ip", "/", "/user-agent"}),
}
# Names by which a condition on headers asks for something else of a request.
PSEUDO = frozenset({":method", ":path", ":authority", ":scheme", "host"})
# Values that proxies let through, where they let others through to no rule.
LIKELY = {
    "connection": ("upgrade", "Upgrade", "keep-alive, Upgrade"),
    "upgrade": ("websocket", "WebSocket"),
    "te": ("trailers",),
    "x-forwarded-proto": ("http", "https"),
}
READING = frozenset({"GET"})
GRPC = "grpc"
# https://github.com/grpc/grpc/blob/master/doc/health-checking.md
A_METHOD = "/grpc.health.v1.Health/Check"


def value_for(name: str, condition: StringMatch) -> str | None:
    """A value of a header that meets a condition and reaches a rule; None when none was found."""
    likely = (value for value in LIKELY.get(name, ()) if string_matches(condition, value))
    return next(likely, None) or accepted(condition)


def completed(method: str, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The headers with those without which a proxy takes the request otherwise, or not at all."""
    names = {name for name, _ in headers}
    if "upgrade" in names and "connection" not in names:
        headers = (*headers, ("connection", "upgrade"))
    if method == "QUERY" and "content-type" not in names:
        headers = (*headers, ("content-type", "text/plain"))
    return headers


def answerable(mesh: Mesh, expectation: Expectation) -> Request:
    """The request; where the sample that it reaches does not know its path, with a prescription of the answer."""
    request = expectation.request
    # Stand-ins know any method of gRPC.
    if request.is_tcp or request.is_call:
        return request
    reached = {key for arm in expectation.arms if arm.share for key in arm.workloads}
    images = {workload.image for key in reached if (workload := mesh.workload(key))}
    if all(_knows(image, request.method, expectation.path.partition("?")[0]) for image in images):
        return request
    if any(name == HEADER for name, _ in request.headers):
        return request
    return replace(request, headers=(*request.headers, Prescription(200).header))


def as_call(mesh: Mesh, expectation: Expectation) -> Request | None:
    """The request as a call of gRPC, where a destination's port says that gRPC is spoken there; else None."""
    request = expectation.request
    ports = (port for arm in expectation.arms if (found := mesh.service(arm.host)) for port in _called(found, arm))
    if request.is_tcp or all(port.protocol != GRPC for port in ports):
        return None
    own = tuple(pair for pair in request.headers if pair[0] not in dict(CALLED))
    path = A_METHOD if request.path == "/" else request.path
    return replace(request, method="POST", path=path, headers=(*CALLED, *own))


def _called(service: Service, arm: Arm) -> Iterator[ServicePort]:
    return (port for port in service.ports if arm.share and port.number == arm.port)


def _knows(image: str, method: str, path: str) -> bool:
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    sample = "helloworld" if "helloworld" in name else name.removeprefix("go-")
    known = ANSWERED.get(sample)
    return known is None or (method in READING and path in known)
