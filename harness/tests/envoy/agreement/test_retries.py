"""How often a request is tried: the rule's retries, and the instructions to Envoy that it gives by headers."""

from __future__ import annotations

import pytest
from meshproof.border.prescription import Prescription
from meshproof.judge.retries_timeouts.outcome import Try, endings

# What the rule says, what instructs Envoy besides, what the pod answers, and how often it is tried.
CASES = [
    ("", {}, 503, 1),
    ("", {"retriable-status-codes": "409,423"}, 409, 3),
    ("", {"retriable-status-codes": "409,423"}, 423, 3),
    ("", {"retriable-status-codes": "409,423"}, 503, 1),
    ("", {"retriable-status-codes": "503, junk"}, 503, 3),
    ("", {"retry-on": "5xx"}, 503, 3),
    ("", {"retry-on": "5xx", "max-retries": "4"}, 503, 5),
    ("", {"max-retries": "1", "retriable-status-codes": "503"}, 503, 2),
    ("{attempts: 3, retryOn: 5xx}", {}, 503, 4),
    ("{attempts: 3, retryOn: '0503'}", {}, 503, 4),
    ("{attempts: 3, retryOn: 5xx}", {"retriable-status-codes": "409"}, 409, 1),
    ("{attempts: 3, retryOn: '5xx,retriable-status-codes'}", {"retriable-status-codes": "409"}, 409, 4),
    ("{attempts: 2, retryOn: '418'}", {"retriable-status-codes": "409"}, 409, 3),
    ("{attempts: 2, retryOn: '418'}", {"retriable-status-codes": "409"}, 418, 3),
    ("{attempts: 3, retryOn: 5xx}", {"retry-on": "retriable-4xx"}, 409, 4),
    ("{attempts: 3, retryOn: 5xx}", {"max-retries": "0"}, 503, 1),
    ("{attempts: 3, retryOn: 5xx}", {"max-retries": "1"}, 503, 2),
    ("{attempts: 3, retryOn: 5xx}", {"max-retries": "junk"}, 503, 4),
    ("{attempts: 0}", {"retry-on": "5xx"}, 503, 2),
    ("{attempts: 0}", {"retry-on": "5xx", "max-retries": "3"}, 503, 4),
    ("{attempts: 0}", {"max-retries": "3"}, 503, 1),
    ("{attempts: 0}", {"retry-on": "junk"}, 503, 1),
    ("{attempts: 0}", {"retry-on": "5xx, reset"}, 503, 2),
    ("{attempts: 0}", {"retry-on": "unavailable"}, 503, 1),
    ("{attempts: 0}", {"retry-grpc-on": "5xx"}, 503, 1),
    ("{attempts: 0}", {"retry-on": "retriable-status-codes", "retriable-status-codes": "409"}, 409, 2),
    (
        "{attempts: 1, retryOn: 5xx, retryIgnorePreviousHosts: false, retryRemoteLocalities: true, backoff: 5ms}",
        {},
        503,
        2,
    ),
]


def rule(number: int, retries: str, said: dict[str, str], verb: str) -> str:
    given = ", ".join(f"x-envoy-{name}: '{value}'" for name, value in said.items())
    return f"""
  - match: [{{uri: {{prefix: /{number}/}}}}]
    {f"retries: {retries}" if retries else ""}
    {f"headers: {{request: {{{verb}: {{{given}}}}}}}" if said else ""}
    route: [{{destination: {{host: web, subset: v1}}}}]
"""


@pytest.mark.parametrize("verb", ["set", "add"])
def test_tries(meet, at_both, verb: str) -> None:
    http = "".join(rule(number, retries, said, verb) for number, (retries, said, _, _) in enumerate(CASES))
    requests = [
        one
        for number, (_, _, status, _) in enumerate(CASES)
        for one in at_both(f"/{number}/", Prescription(status).header)
    ]
    found = meet(http, requests)
    for number, (retries, said, status, tries) in enumerate(CASES):
        for one in found[2 * number : 2 * number + 2]:
            assert len(one.received) == tries, (retries, said, status)
            quick, _ = endings(one.expectation, lambda _, status=status: Try(status))
            assert (quick.status, quick.arrivals) == (status, tries), (retries, said, status)


def test_by_grpc_status(meet, at_both) -> None:
    http = rule(0, "{attempts: 0}", {"retry-grpc-on": "unavailable"}, "add") + rule(1, "{attempts: 0}", {}, "add")
    answer = Prescription(200, grpc_status=14).header
    found = meet(http, [one for number in (0, 1) for one in at_both(f"/{number}/", answer)])
    assert [len(one.received) for one in found] == [2, 2, 1, 1]
    ends = [endings(one.expectation, lambda _: Try(200, grpc_status=14))[0].arrivals for one in found]
    assert ends == [2, 2, 1, 1]


def test_instructions_of_clients_count_for_nothing(meet, at_both) -> None:
    http = rule(0, "{attempts: 2, retryOn: 5xx}", {}, "add")
    sent = (
        ("x-envoy-retry-on", "retriable-4xx"),
        ("x-envoy-max-retries", "5"),
        ("x-envoy-upstream-rq-timeout-ms", "9"),
    )
    requests = [one for status in (409, 503) for one in at_both("/0/", *sent, Prescription(status, 0.1).header)]
    requests += at_both("/0/", ("x-forwarded-for", "10.0.0.1"), *sent, Prescription(409).header)
    found = meet(http, requests)
    assert [len(one.received) for one in found] == [1, 1, 3, 3, 1, 1]
    assert [one.observation.status for one in found] == [409, 409, 503, 503, 409, 409]


def test_times_that_a_rule_tells_envoy_come_too_late(meet, at_both) -> None:
    names = ("x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms")
    said = ", ".join(f"{name}: '100'" for name in names)
    http = f"""
  - headers: {{request: {{set: {{{said}}}}}}}
    retries: {{attempts: 2, retryOn: 5xx}}
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
    found = meet(http, at_both("/", Prescription(200, 0.4).header))
    assert [(one.observation.status, len(one.received)) for one in found] == [(200, 1), (200, 1)]
    assert [(one.expectation.timeout, one.expectation.retries.per_try_timeout) for one in found] == [(None, None)] * 2


@pytest.mark.parametrize("verb", ["set", "add"])
def test_a_rule_that_tells_envoy_to_hedge_tells_it_too_late(meet, at_both, verb: str) -> None:
    """Hedged, the first try would go on beyond its limit, and its answer would come."""
    retries = "{attempts: 1, retryOn: '5xx,reset', perTryTimeout: 300ms}"
    http = rule(0, retries, {"hedge-on-per-try-timeout": "true"}, verb)
    found = meet(http, at_both("/0/", Prescription(200, 0.5).header))
    assert [(one.observation.status, len(one.received)) for one in found] == [(504, 2), (504, 2)]
    assert not any(one.expectation.undecided for one in found)


@pytest.mark.parametrize("verb", ["set", "add"])
def test_a_rule_says_what_is_answered_in_the_place_of_a_timeout(meet, at_both, verb: str) -> None:
    http = "".join(
        f"""
  - match: [{{uri: {{prefix: /{number}/}}}}]
    headers: {{request: {{{verb}: {{{said}}}}}}}
    {limit}
    route: [{{destination: {{host: web, subset: v1}}}}]
"""
        for number, (said, limit) in enumerate(
            [
                ("x-envoy-upstream-rq-timeout-alt-response: '1'", "timeout: 200ms"),
                ("x-envoy-upstream-rq-timeout-alt-response: '1'", ""),
                ("x-envoy-upstream-stream-duration-ms: '100'", "timeout: 2s"),
            ]
        )
    )
    slow = Prescription(200, 0.4).header
    found = meet(http, [one for number in range(3) for one in at_both(f"/{number}/", slow)])
    assert [one.observation.status for one in found] == [204, 204, 200, 200, 504, 504]
    assert [bool(one.expectation.undecided) for one in found] == [True, True, False, False, True, True]
    assert [one.difference for one in found[2:4]] == ["", ""]


def test_a_body_that_is_not_kept_is_sent_once(meet, at_both) -> None:
    http = rule(0, "{attempts: 2, retryOn: 5xx}", {}, "add")
    largest = 1 << 20
    requests = [
        at_both("/0/", Prescription(503).header, method="POST", body=b"a" * size)[0]
        for size in (1, largest, largest + 1)
    ]
    found = meet(http, requests)
    assert [len(one.received) for one in found] == [3, 3, 1]
    assert [endings(one.expectation, lambda _: Try(503))[0].arrivals for one in found] == [3, 3, 1]


def test_what_was_told_to_go_on_is_not_tried_again(meet, at_both) -> None:
    http = rule(0, "{attempts: 2, retryOn: 5xx}", {}, "add")
    sent = (("expect", "100-continue"), Prescription(503).header)
    found = meet(http, at_both("/0/", *sent, method="POST", body=b"a"))
    assert [len(one.received) for one in found] == [1, 1]
    assert [endings(one.expectation, lambda _: Try(503))[0].arrivals for one in found] == [1, 1]


def test_a_rules_pauses_are_as_long_as_it_says(meet, at_both) -> None:
    http = rule(0, "{attempts: 6, retryOn: 5xx, backoff: 100ms}", {}, "add")
    found = meet(http, [at_both("/0/", Prescription(503).header)[0] for _ in range(4)])
    quick, slow = endings(found[0].expectation, lambda _: Try(503))
    # 100, 200, 400, 800 and twice 1,000 ms at most: drawn between nothing and these.
    assert (quick.seconds, round(slow.seconds, 3)) == (0.0, 3.5)
    taken = [one.observation.latency for one in found]
    assert max(taken) < 3.5 + 0.5
    # With Envoy's own 25 ms they would take 0.44 s on average.
    assert sum(taken) / len(taken) > 0.7
