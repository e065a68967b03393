"""WebSockets: their handshakes are routed like any request, and frames go through in both directions."""

from __future__ import annotations

import asyncio

from meshproof.border.prescription import Prescription
from meshproof.border.request import HANDSHAKE
from websockets.asyncio.client import connect

LIMIT = 0.3


def test_handshakes_are_routed_by_rules(meet, at_both) -> None:
    http = """
  - match: [{uri: {prefix: /chat}, headers: {upgrade: {exact: websocket}}}]
    route: [{destination: {host: web, subset: v2}}]
    rewrite: {uri: /talk}
    headers: {request: {set: {x-one: "1"}}}
  - match: [{uri: {prefix: /denied}}]
    directResponse: {status: 403}
  - match: [{uri: {prefix: /old}}]
    redirect: {uri: /chat}
  - match: [{uri: {prefix: /aborted}}]
    fault: {abort: {httpStatus: 503, percentage: {value: 100}}}
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /plain}}]
    route: [{destination: {host: web, subset: v1}}]
"""
    paths = ("/chat", "/plain", "/denied", "/old", "/aborted", "/none")
    requests = [one for path in paths for one in at_both(path, *HANDSHAKE)]
    # A pod that does not take it up.
    requests += at_both("/plain", *HANDSHAKE, Prescription(404).header)
    found = meet(http, requests)
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.observation.status for one in found[::2]] == [101, 101, 403, 301, 503, 404, 404]
    assert [one.version for one in found[:4]] == ["v2", "v2", "v1", "v1"]
    assert [one.path for one in found[0].received] == ["/talk"]
    # Its id, in a frame.
    assert [one.observation.size for one in found[:4]] == [1] * 4


def test_times_copies_and_tries(meet, at_both) -> None:
    http = """
  - match: [{uri: {prefix: /limited}}]
    timeout: 0.3s
    route: [{destination: {host: web, subset: v1}}]
  - match: [{uri: {prefix: /copied}}]
    route: [{destination: {host: web, subset: v1}}]
    mirror: {host: web, subset: v2}
  - match: [{uri: {prefix: /tried}}]
    route: [{destination: {host: web, subset: v1}}]
    retries: {attempts: 2, retryOn: "5xx,unavailable"}
"""
    slow, failing = Prescription(200, 2.0).header, Prescription(503).header
    requests = [*at_both("/limited", *HANDSHAKE, slow), *at_both("/copied", *HANDSHAKE)]
    requests += at_both("/tried", *HANDSHAKE, failing)
    requests += at_both("/tried", *HANDSHAKE, Prescription(200, grpc_status=14).header)
    found = meet(http, requests)
    limited, copied, tried, told = found[:2], found[2:4], found[4:6], found[6:]
    # The limit is that of the handshake.
    assert [one.observation.status for one in limited] == [504] * 2
    assert all(0.25 < one.observation.latency < 2.0 for one in limited)
    assert [one.difference for one in copied + tried] == [""] * 4
    for one in copied:
        assert {(got.pod, dict(got.headers)["upgrade"]) for got in one.received} == {
            ("web-v1-0", "websocket"),
            ("web-v2-0", "websocket"),
        }
    assert [(one.observation.status, len(one.received)) for one in tried] == [(503, 3)] * 2
    # A status of gRPC is not looked at in the answer to a handshake.
    assert [(one.observation.status, len(one.received)) for one in told] == [(200, 1)] * 2


def test_a_socket_outlives_the_timeout_of_its_handshake(within) -> None:
    async def scene() -> None:
        http = f"  - timeout: {LIMIT}s\n    route: [{{destination: {{host: web, subset: v1}}}}]\n"
        async with within(http) as port, connect("ws://web/", host="127.0.0.1", port=port, compression=None) as socket:
            await asyncio.sleep(2 * LIMIT)
            await socket.send("late")
            assert await socket.recv() == "late"

    asyncio.run(scene())
