"""Calls of gRPC over HTTP/2, from the client to the pods: what is predicted of them and what real Envoys do."""

from __future__ import annotations

import pytest
from meshproof.border.prescription import Prescription
from meshproof.border.request import CALLED

METHOD = "/pkg.Greeter/Hello"


@pytest.fixture(scope="session")
def calls(at_both):
    """The same call within the mesh and at the gateway."""

    def make(*headers: tuple[str, str], path: str = METHOD) -> list:
        return at_both(path, *CALLED, *headers, method="POST", body=b"hello")

    return make


def test_calls_are_routed_and_changed_as_requests_are(meet, calls) -> None:
    http = """
  - match: [{uri: {exact: /pkg.Greeter/Hello}, headers: {tenant: {exact: two}}}]
    route: [{destination: {host: web, subset: v2}}]
    headers: {response: {set: {x-r: "1"}}, request: {set: {x-protocol: "%PROTOCOL%"}}}
  - match: [{uri: {prefix: /pkg.Greeter/}}]
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /pkg.Old/}}]
    directResponse: {status: 403}
"""
    paths = ("/pkg.Greeter/Bye", "/pkg.Old/Hello", "/pkg.New/Hello")
    requests = [*calls(("tenant", "two")), *calls(), *(one for path in paths for one in calls(path=path))]
    found = meet(http, requests, protocol="grpc")
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.version for one in found[::2]] == ["v2", "v1", "v1", "200", "200"]
    assert [one.observation.grpc_status for one in found[::2]] == [0, 0, 0, 7, 12]
    assert dict(found[0].received[0].headers)["x-protocol"] == "HTTP/2"
    # As sent: five bytes before each message.
    assert {one.observation.size for one in found[:6]} == {10}


# What retryOn says (nothing: Istio's default), which status a pod tells, and how often it is then asked.
TRIED = (
    *(("", 14, 3), ("", 1, 3), ("", 4, 1), ("deadline-exceeded", 4, 3), ("internal", 13, 3)),
    *(("resource-exhausted", 8, 3), ("unavailable", 13, 1), ("5xx", 14, 1)),
)


def test_statuses_times_and_faults(meet, calls) -> None:
    def rule(name: str, more: str) -> str:
        match = f"match: [{{uri: {{prefix: /{name}/}}}}]"
        return f"  - {match}\n    route: [{{destination: {{host: web, subset: v1}}}}]\n    {more}\n"

    said = [retry_on and f"retries: {{attempts: 2, retryOn: {retry_on}}}" for retry_on, *_ in TRIED]
    http = "".join(rule(f"tried-{at}", more) for at, more in enumerate(said))
    http += rule("limited", "timeout: 0.4s")
    http += rule("lost", "fault: {abort: {grpcStatus: DATA_LOSS, percentage: {value: 100}}}")
    asked = [Prescription(200, grpc_status=status).header for _, status, _ in TRIED]
    requests = [one for at, header in enumerate(asked) for one in calls(header, path=f"/tried-{at}/Go")]
    # Once a message has gone on nothing is tried again.
    requests += calls(Prescription(200, grpc_status=14, message=True).header, path="/tried-0/Go")
    slow = Prescription(200, 0.9).header
    requests += [*calls(slow, path="/limited/Go"), *calls(slow, ("grpc-timeout", "200m"), path="/limited/Go")]
    requests += calls(path="/lost/Go")
    found = meet(http, requests, protocol="grpc")
    told = [(one.observation.status, one.observation.grpc_status, len(one.received)) for one in found[::2]]
    assert told[: len(TRIED) + 1] == [*((200, status, tries) for _, status, tries in TRIED), (200, 14, 1)]
    assert told[len(TRIED) + 1 :] == [(200, 14, 1), (200, 14, 1), (200, 15, 0)]
    assert told == [(one.observation.status, one.observation.grpc_status, len(one.received)) for one in found[1::2]]
    late = found[-6:-2]
    assert {one.difference for one in found if one not in late} == {""}
    assert [one.expectation.timeout for one in late] == [0.4, 0.4, 0.2, 0.2]
    for one in late:
        assert one.observation.latency > one.expectation.timeout - 0.05
        told = dict(one.received[0].headers)["x-envoy-expected-rq-timeout-ms"]
        assert float(told) == 1000 * one.expectation.timeout


@pytest.mark.parametrize(
    ("protocol", "policy", "upstream"),
    [
        ("http", "", None),
        ("http", "connectionPool: {http: {h2UpgradePolicy: UPGRADE}}", "HTTP/2"),
        ("http", "connectionPool: {http: {useClientProtocol: true}}", "HTTP/2"),
        ("http2", "connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}", "HTTP/2"),
        ("grpc", "connectionPool: {http: {idleTimeout: 9s}}", "HTTP/2"),
        ("", "", "sidecar"),
    ],
)
def test_what_pods_are_called_by(meet, calls, at_both, protocol: str, policy: str, upstream: str | None) -> None:
    # Over HTTP/1.1 no server of gRPC answers, and a proxy tells that by unavailable.
    http = "  - route: [{destination: {host: web, subset: v1}}]\n"
    found = meet(http, [*calls(), *at_both("/")], protocol=protocol, policy=policy)
    answered = [one.version == "v1" for one in found]
    assert answered == [upstream is not None, upstream == "HTTP/2", True, True]
    if upstream is None:
        assert {one.observation.grpc_status for one in found[:2]} == {14}


UPGRADING = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "h2UpgradePolicy: UPGRADE"}
"""


@pytest.mark.parametrize(
    ("protocol", "policy", "upgraded"),
    [
        ("http", "", True),
        ("http", "connectionPool: {tcp: {maxConnections: 9}}", True),
        ("http", "connectionPool: {http: {h2UpgradePolicy: DEFAULT}}", True),
        ("http", "connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}", False),
    ],
)
def test_the_mesh_may_have_all_pods_called_over_http2(
    meet, calls, at_both, protocol: str, policy: str, upgraded: bool
) -> None:
    http = f"  - route: [{{destination: {{host: web, subset: v1}}}}]\n{UPGRADING}"
    found = meet(http, [*calls(), *at_both("/")], protocol=protocol, policy=policy)
    assert [one.difference for one in found if upgraded or one.version == "v1"] == [""] * (4 if upgraded else 2)
    assert [one.version == "v1" for one in found] == [upgraded, upgraded, True, True]


def test_a_port_that_says_nothing_is_not_upgraded_by_the_mesh(meet, calls, at_both) -> None:
    http = f"  - route: [{{destination: {{host: web, subset: v1}}}}]\n{UPGRADING}"
    found = meet(http, [*calls(), *at_both("/")], protocol="")
    assert [one.version == "v1" for one in found] == [True, False, True, True]


def test_no_answer_over_http2_has_headers_of_its_connection(meet, calls, at_both) -> None:
    changes = "headers: {response: {set: {keep-alive: timeout=9, x-r: '1'}}}"
    http = f"  - route: [{{destination: {{host: web, subset: v1}}}}]\n    {changes}\n"
    for protocol in ("grpc", ""):
        found = meet(http, [*calls(), *at_both("/")], protocol=protocol)
        known = [one for one in found if one.version == "v1"]
        assert [one.difference for one in known] == [""] * len(known)
        assert [one.header("x-r") for one in known] == ["1"] * len(known)
        # One of HTTP/1.1 has it.
        assert [one.header("keep-alive") for one in known[-2:]] == ["timeout=9"] * 2
        assert found[0].header("keep-alive") is None
