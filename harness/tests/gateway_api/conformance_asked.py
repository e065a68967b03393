"""The requests of a case, and what is wanted of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from conformance_suite import Case
from meshproof.border.request import CALLED, HANDSHAKE, TLS, Request, Tls, connection

# What stands for the address of a Gateway: tests address it by that.
ADDRESS = "192.0.2.1"
ASKED = "MakeRequestAndExpectEventuallyConsistentResponse"
OVER_HTTP = frozenset({f"http.{ASKED}", f"tls.{ASKED.replace('Request', 'TLSRequest', 1)}"})
FAILING = frozenset({"http.MakeRequestAndExpectFailure", "tls.MakeTLSRequestAndExpectFailureResponse"})
REJECTED = "tls.MakeTLSConnectionAndExpectEventuallyConnectionRejection"
SENT = "tcp.MakeTCPRequestAndExpectEventuallyValidResponse"
SERVICE = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/"
METHODS = {"EchoRequest": "Echo", "EchoTwoRequest": "EchoTwo", "EchoThreeRequest": "EchoThree"}
# How echo's own client calls, which is no gRPC library: by this method.
ECHO = "/proto.EchoTestService/Echo"
PORTS = {"http": 80, "https": 443, "grpc": 7070}
# What tests put in so that no two of their requests are the same.
UNIQUE = re.compile(r"[?&](gateway-api-conformance-request-id|uuid)=[-0-9a-f]+")
# The header that names the backend, in a test of what each backend's filters do.
NAMING = "BackendIsNamedBy"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, the namespace and labels of who sends it, and what is wanted of it (in the suite's words).

    `fails` tells that a successful answer is wrong whatever it says; `weights` are the wanted shares of pods, by the
    beginnings of their names; `without` are objects (`namespace/name`) that were deleted before.
    """

    request: Request
    expected: Mapping[str, Any]
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    fails: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()


def requests(case: Case, objects: Sequence[Mapping[str, Any]], tls: Tls) -> tuple[Asked, ...]:
    """All requests of a case; `tls` is what its clients bring to a handshake."""
    entering = _Entering(dict(_ports(objects)), tls, "TLSRoute" in case.features)
    found: list[Asked] = []
    gone: tuple[str, ...] = ()
    for step in case.steps:
        call, given = step["call"], step["with"]
        if call.startswith("weight."):
            found[-1] = replace(found[-1], weights=given["expectedWeights"])
        elif call == "Delete":
            about = given["object"]["metadata"]
            gone = (*gone, f"{about['namespace']}/{about['name']}")
        elif call == f"echo.{ASKED}":
            found.append(replace(_within(given), without=gone))
        elif made := entering.asked(call, given):
            found.append(replace(made, without=gone))
    # A test that asks several times, until it is so, asks once.
    return tuple(one for at, one in enumerate(found) if one not in found[:at])


def _ports(objects: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """The ports of Gateways by `name.namespace:listener`; without a listener that of the first one."""
    for one in objects:
        if one["kind"] == "Gateway":
            key = f"{one['metadata']['name']}.{one['metadata']['namespace']}"
            for listener in reversed(one["spec"]["listeners"]):
                yield f"{key}:{listener['name']}", listener["port"]
                yield f"{key}:", listener["port"]


def _headers(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in (given or {}).items())


def _path(text: str) -> str:
    path = UNIQUE.sub("", text) or "/"
    return path if "?" in path else path.replace("&", "?", 1)


def _within(given: Mapping[str, Any]) -> Asked:
    """A request of a pod in the mesh."""
    expected = given["exp"]
    asked = expected["Request"]
    protocol = (asked["Protocol"] or "http").lower()
    host, _, port = (asked["Host"] or "echo").partition(":")
    number = int(port or PORTS[protocol])
    headers = _headers(asked["Headers"])
    if protocol == "grpc":
        request = Request("POST", host, number, asked["Path"] or ECHO, (*CALLED, *headers))
    else:
        request = Request(asked["Method"] or "GET", host, number, _path(asked["Path"]), headers)
    namespace = given["receiver"].partition(".")[2]
    return Asked(request, expected, namespace, {"app": "echo", "version": "v1"})


@dataclass(slots=True)
class _Entering:
    """Requests that enter by a Gateway. Over TLS they are connections where TLS may be `passed` on."""

    ports: Mapping[str, int]
    tls: Tls
    passed: bool
    last: str = ""

    def asked(self, call: str, given: Mapping[str, Any]) -> Asked | None:
        if call in OVER_HTTP | FAILING:
            return self._http(given, given["gwAddr"], tls=call.startswith("tls."), fails=call in FAILING)
        if call == "CaptureRoundTrip":
            self.last = urlsplit(given["url"]).netloc
            gateway, port = self._place(self.last)
            path = urlsplit(given["url"]).path
            return (
                None if "?" in given["url"] else Asked(self._named(ADDRESS, port, path, gateway), {NAMING: "backend"})
            )
        if call == "http.CompareRoundTrip":
            return self._http(given, self.last)
        if call == f"grpc.{ASKED}":
            return self._called(given)
        if call == "Dial":
            url = urlsplit(given["url"])
            gateway, port = self._place(url.netloc)
            return Asked(Request("GET", ADDRESS, port, url.path, HANDSHAKE, gateway=gateway), {"WebSocket": True})
        if call in (SENT, REJECTED):
            gateway, port = self._place(given["gwAddr"])
            scheme = TLS if given.get("useTLS", True) else "tcp"
            request = connection(given["serverName"] or ADDRESS, port, scheme=scheme, gateway=gateway)
            return Asked(request, given.get("expected", {}), fails=call == REJECTED)
        if call == "tcp.ExpectEchoResponse":
            gateway, port = self._place(given["address"])
            return Asked(connection(ADDRESS, port, gateway=gateway), {})
        return None

    def _named(self, host: str, port: int, path: str, gateway: str) -> Request:
        return Request("GET", host, port, path or "/", gateway=gateway)

    def _http(self, given: Mapping[str, Any], address: str, *, tls: bool = False, fails: bool = False) -> Asked:
        gateway, port = self._place(address)
        expected = given["expected"]
        asked = expected["Request"]
        name = given.get("serverName") or asked["Host"].partition(":")[0] or ADDRESS
        if tls and self.passed:
            return Asked(connection(name, port, scheme=TLS, gateway=gateway), expected, fails=fails)
        headers = _headers(asked["Headers"])
        if asked["Host"] and not any(one == "host" for one, _ in headers):
            headers += (("host", asked["Host"]),)
        scheme, brought = ("https", self.tls) if tls else ("http", None)
        request = Request(
            asked["Method"] or "GET", name, port, _path(asked["Path"]), headers, scheme, gateway, tls=brought
        )
        return Asked(request, expected, fails=fails)

    def _called(self, given: Mapping[str, Any]) -> Asked:
        gateway, port = self._place(given["gwAddr"])
        expected = given["expected"]
        method = next(name for field, name in METHODS.items() if expected[field] is not None)
        about = expected["RequestMetadata"] or {}
        host, _, named = (about.get("Authority") or "").partition(":")
        own = (("host", f"{host}:{named}" if named else host),) if host else ()
        headers = (*CALLED, *own, *_headers(about.get("Metadata")))
        return Asked(Request("POST", host or ADDRESS, port, SERVICE + method, headers, gateway=gateway), expected)

    def _place(self, address: str) -> tuple[str, int]:
        """The Gateway (`namespace/name`) and the port of an address."""
        whole, _, number = address.partition("]:") if address.startswith("[") else (address, "", "")
        key, _, listener = whole.strip("[]").partition(":")
        name, _, namespace = key.partition(".")
        port = int(number) if number else self.ports.get(f"{key}:{listener}") or self.ports[f"{key}:"]
        return f"{namespace}/{name}", port
