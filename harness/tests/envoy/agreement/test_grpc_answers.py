"""To gRPC proxies answer with status 200 and say in headers what they mean."""

from __future__ import annotations

import pytest
from meshproof.border.prescription import Prescription

GRPC = ("content-type", "application/grpc")
# https://grpc.io/docs/guides/status-codes/
MEANT = {
    200: 2,
    201: 2,
    204: 2,
    301: 2,
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    418: 2,
    429: 14,
    500: 2,
    502: 14,
    503: 14,
    504: 14,
}


def test_direct_responses(meet, at_both) -> None:
    http = "".join(
        f"""
  - match: [{{uri: {{prefix: /{status}/}}}}]
    directResponse: {{status: {status}, body: {{string: "no é% {status}"}}}}
"""
        for status in MEANT
    )
    found = meet(http, [one for status in MEANT for one in at_both(f"/{status}/", GRPC, method="POST")])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    assert {one.observation.status for one in found} == {200}
    assert {one.expectation.request.path: one.observation.grpc_status for one in found} == {
        f"/{status}/": meant for status, meant in MEANT.items()
    }
    assert found[0].header("grpc-message") == "no %C3%A9%25 200"
    assert {one.observation.size for one in found} == {0}


@pytest.mark.parametrize(
    ("content_type", "is_grpc"),
    [
        ("application/grpc", True),
        ("application/grpc+proto", True),
        ("application/grpc-web", False),
        ("application/grpcx", False),
        ("application/grpc;a=b", False),
        ("Application/gRPC", False),
    ],
)
def test_what_counts_as_grpc(meet, at_both, content_type: str, is_grpc: bool) -> None:
    found = meet("  - directResponse: {status: 403}\n", at_both("/", ("content-type", content_type)))
    assert [one.difference for one in found] == ["", ""]
    assert [one.observation.status for one in found] == [200 if is_grpc else 403] * 2
    assert [one.observation.grpc_status for one in found] == [7 if is_grpc else None] * 2


def test_other_answers_of_the_proxy(meet, at_both) -> None:
    http = """
  - match: [{uri: {prefix: /moved}}]
    redirect: {authority: new.example}
    headers: {response: {set: {x-r: "1"}}}
  - match: [{uri: {prefix: /nobody}}]
    route: [{destination: {host: web, subset: v9}}]
  - match: [{uri: {prefix: /aborted}}]
    fault: {abort: {httpStatus: 404, percentage: {value: 100}}}
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /said}}]
    fault: {abort: {grpcStatus: DATA_LOSS, percentage: {value: 100}}}
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /head}}]
    directResponse: {status: 403, body: {string: none}}
"""
    paths = ("/moved", "/nobody", "/aborted", "/said", "/none", "/a%00")
    requests = [one for path in paths for sent in ((), (GRPC,)) for one in at_both(path, *sent)]
    requests += at_both("/head", GRPC, method="HEAD")
    requests += at_both("/head", GRPC, ("upgrade", "other"), ("connection", "upgrade"))
    found = meet(http, requests)
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    statuses = [(one.observation.status, one.observation.grpc_status) for one in found[::2]]
    assert statuses == [
        *[(301, None), (200, 2), (503, None), (200, 14), (404, None), (200, 12), (200, None), (200, 15)],
        *[(404, None), (200, 12), (400, None), (200, 13), (200, 7), (200, 7)],
    ]
    assert statuses == [(one.observation.status, one.observation.grpc_status) for one in found[1::2]]
    assert [one.header("location") for one in found[2:4]] == ["http://new.example/moved"] * 2
    assert found[-4].header("grpc-message") is None


def test_a_wrong_grpc_status_is_a_difference(meet, at_both) -> None:
    (one, _) = meet("  - directResponse: {status: 403}\n", at_both("/", GRPC))
    (other, _) = meet("  - directResponse: {status: 404}\n", at_both("/", GRPC))
    assert other.difference == one.difference == ""
    assert type(one)(one.expectation, other.observation, ()).difference == "answered 200 (grpc-status 12) by the proxy"


def slow(seconds: float) -> tuple[str, str]:
    return Prescription(200, seconds).header


def test_grpc_says_itself_how_long_it_waits(meet, at_both) -> None:
    http = """
  - match: [{uri: {prefix: /limited}}]
    timeout: 0.4s
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /free}}]
    route: [{destination: {host: web}}]
"""
    plain = ("content-type", "application/json")
    cases = [
        ("/limited", GRPC, None, 0.4),
        ("/limited", GRPC, "200m", 0.2),
        ("/limited", GRPC, "5S", 0.4),
        ("/limited", GRPC, "junk", 0.4),
        ("/limited", plain, "200m", 0.4),
        ("/free", GRPC, None, None),
        ("/free", GRPC, "200m", 0.2),
        ("/free", GRPC, "200000u", 0.2),
        ("/free", GRPC, "0S", None),
        ("/free", GRPC, "99999999n", 0.1),
        ("/free", plain, "200m", None),
    ]
    requests = [
        at_both(path, kind, *((("grpc-timeout", asked),) if asked else ()), slow(0.9), method="POST")[0]
        for path, kind, asked, _ in cases
    ]
    found = meet(http, requests)
    assert [one.expectation.timeout for one in found] == [limit for *_, limit in cases]
    for one, (_, kind, _, limit) in zip(found, cases, strict=True):
        late = (200, 14) if kind == GRPC else (504, None)
        assert (one.observation.status, one.observation.grpc_status) == (late if limit else (200, None))
        assert one.observation.latency > (limit or 0.9) - 0.05
        told = dict(one.received[0].headers).get("x-envoy-expected-rq-timeout-ms")
        assert told == (str(round(limit * 1000)) if limit else None)
