"""One key, one pod: what passes, what fails at once, what says nothing, and what cannot be decided."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Expectation, HeaderExpectation
from meshproof.border.observation import Observation
from meshproof.border.request import Hashing, HashKey, parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import Location
from meshproof.judge import ConsistentHash
from meshproof.judge.consistent_hash.key import is_given, key_of
from meshproof.scenario import Plan

USER = HashKey("header", "x-user")
COOKIE = HashKey("cookie", "user", 300.0, "/a")
HERE = Location("mesh.yaml", 7, 1)
GIVEN = "user=abc; Max-Age=300; Path=/a; HttpOnly"


def arm(*keys: HashKey, pods: int = 2, name: str = "v1", share: int = 1, even: bool = True) -> Arm:
    hashing = Hashing(keys or (USER,), pods, even)
    return Arm(name, Fraction(1, share), frozenset({f"default/{name}"}), HERE, hashed_by=hashing)


def expectation(text: str, *arms: Arm, **fields: object) -> Expectation:
    return Expectation(parse(f"GET http://web/ {text}"), arms or (arm(),), route=HERE, **fields)  # type: ignore[arg-type]


def users(*arms: Arm, many: int = 41) -> list[Expectation]:
    return [expectation(f"x-user:{number}", *arms) for number in range(many)]


def seen(request: int, pod: str, workload: str = "v1", *cookies: str) -> Observation:
    headers = tuple(("set-cookie", one) for one in cookies)
    return Observation("id", request, 0, 0.0, 0.01, 200, pod, f"default/{workload}", headers=headers)


def judged(row: Sequence[Expectation], answer: Callable[[int], Observation], most: int = 20_000) -> Verdict | None:
    """The verdict on a load that sends what is wanted, in turn."""
    trials = ConsistentHash().begin(Plan("hash", (tuple(row),), Precision()))
    if not trials:
        return None
    (trial,) = trials
    for request in itertools.islice(itertools.cycle(range(len(row))), most):
        if trial.decided or trial.refuted:
            break
        if trial.wants(request):
            trial.observe(answer(request))
    return trial.conclude(Books())


def test_keys_that_each_keep_their_pod_pass() -> None:
    verdict = judged(users(), lambda request: seen(request, f"pod-{request % 2}"))
    assert (verdict.outcome, "header x-user" in verdict.reason) == (Outcome.PASSED, True)
    assert 64 <= verdict.n <= 200


@pytest.mark.parametrize("pods", [2, 3, 5, 40])
def test_pods_that_are_taken_in_turn_or_at_random_fail(pods: int) -> None:
    turns: Iterator[int] = itertools.count()
    row = users(arm(pods=pods))
    assert judged(row, lambda request: seen(request, f"pod-{next(turns) % pods}")).outcome is Outcome.FAILED
    drawn = random.Random(1)
    verdict = judged(row, lambda request: seen(request, f"pod-{drawn.randrange(pods)}"))
    assert verdict.outcome is Outcome.FAILED
    assert "one and the same header x-user" in verdict.reason


def test_a_hash_of_something_else_that_all_keys_share_fails() -> None:
    verdict = judged(users(), lambda request: seen(request, "pod-1"))
    assert verdict.outcome is Outcome.FAILED
    assert "different values of header x-user all reached pod-1" in verdict.reason


@pytest.mark.parametrize("row", [users(arm(even=False)), users(many=20), [expectation("", arm(HashKey("source IP")))]])
def test_one_pod_will_do_on_a_small_ring_or_for_few_keys(row: list[Expectation]) -> None:
    assert judged(row, lambda request: seen(request, "pod-1")).outcome is Outcome.PASSED


def test_a_request_without_the_key_gets_any_pod() -> None:
    drawn = random.Random(1)
    row = [*users(), expectation("x-other:1")]

    def answer(request: int) -> Observation:
        return seen(request, f"pod-{request % 2 if request < 41 else drawn.randrange(2)}")

    assert judged(row, answer).outcome is Outcome.PASSED
    (trial,) = ConsistentHash().begin(Plan("hash", (tuple(row),), Precision()))
    assert (trial.wants(0), trial.wants(41)) == (1, 0)


def test_each_destination_of_a_route_has_pods_of_its_own() -> None:
    drawn = random.Random(1)
    row = users(arm(share=2), arm(name="v2", share=2))

    def answer(request: int) -> Observation:
        version = drawn.choice(("v1", "v2"))
        return seen(request, f"{version}-{request % 2}", version)

    assert judged(row, answer).outcome is Outcome.PASSED

    def wrong(request: int) -> Observation:
        one = answer(request)
        return replace(one, pod=f"v2-{drawn.randrange(2)}") if one.workload == "default/v2" else one

    verdict = judged(row, wrong)
    assert (verdict.outcome, "v2: " in verdict.reason, "v1: " in verdict.reason) == (Outcome.FAILED, True, False)


def test_nothing_is_judged_where_one_pod_stands_alone_or_nothing_is_hashed() -> None:
    assert judged(users(arm(pods=1)), lambda request: seen(request, "pod-1")) is None
    assert judged(users(replace(arm(), hashed_by=None)), lambda request: seen(request, "pod-1")) is None


def test_destinations_that_cannot_be_told_apart_are_not_decided() -> None:
    both = replace(arm(name="v2", share=2), workloads=frozenset({"default/v1"}))
    verdict = judged(users(arm(share=2), both), lambda request: seen(request, f"pod-{request % 2}"))
    assert (verdict.outcome, "may answer for another" in verdict.reason) == (Outcome.INCONCLUSIVE, True)


def test_without_any_key_it_is_not_decided() -> None:
    verdict = judged([expectation("x-user:a", dropped=frozenset({"x-user"}))], lambda request: seen(request, "pod-1"))
    assert (verdict.outcome, "no request has a key" in verdict.reason) == (Outcome.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("cookies", "outcome"),
    [
        ((GIVEN,), Outcome.PASSED),
        (("other=1", GIVEN), Outcome.PASSED),
        ((), Outcome.FAILED),
        (("other=1; Max-Age=300; Path=/a",), Outcome.FAILED),
        (("user=abc; Max-Age=301; Path=/a",), Outcome.FAILED),
        (("user=abc; Path=/a",), Outcome.FAILED),
        (("user=abc; Max-Age=300",), Outcome.FAILED),
    ],
)
def test_a_cookie_has_to_be_given_even_by_one_pod(cookies: tuple[str, ...], outcome: Outcome) -> None:
    row = [expectation("", arm(COOKIE, pods=1))]
    assert judged(row, lambda request: seen(request, "pod-1", "v1", *cookies)).outcome is outcome


def test_no_cookie_is_asked_for_where_there_is_one_or_the_route_takes_it_away() -> None:
    assert judged([expectation("cookie:user=a", arm(COOKIE, pods=1))], lambda _: seen(0, "pod-1")) is None
    kept = replace(arm(COOKIE, pods=1), response_headers=HeaderExpectation(absent=("set-cookie",)))
    assert judged([expectation("", kept)], lambda _: seen(0, "pod-1")) is None


def test_a_cookie_of_a_session_has_no_age() -> None:
    session = replace(COOKIE, ttl=0.0, path="")
    assert is_given(session, 'user="abc"; HttpOnly')
    assert not is_given(session, "user=abc; Max-Age=300")


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (USER, "x-user:a", ("a",)),
        (USER, "x-other:a", None),
        (HashKey("cookie", "user"), "'cookie:a=b; user=c'", ("c",)),
        (HashKey("cookie", "user"), "'cookie:a=b'", None),
        (HashKey("source IP"), "", ("",)),
    ],
)
def test_the_key_of_a_request(key: HashKey, text: str, expected: tuple[str, ...] | None) -> None:
    assert key_of(expectation(text), arm(key)) == expected


def test_a_part_of_the_request_itself_is_a_key_for_each_request() -> None:
    path = arm(HashKey("header", ":path"))
    assert key_of(expectation(""), path) == key_of(expectation(""), path)
    assert key_of(expectation(""), path) != key_of(expectation("x-user:a"), path)


def test_a_query_parameter_is_a_key() -> None:
    one = Expectation(parse("GET http://web/?a=b&user=c"), (), route=HERE)
    assert key_of(one, arm(HashKey("query parameter", "user"))) == ("c",)
    assert key_of(one, arm(HashKey("query parameter", "User"))) is None


def test_the_route_changes_headers_before_they_are_hashed() -> None:
    fixed = replace(arm(), request_headers=HeaderExpectation(exact=(("x-user", "all"),)))
    assert key_of(expectation("x-user:a"), fixed) == key_of(expectation("x-user:b"), fixed) == ("all",)
    assert (
        key_of(expectation("x-user:a"), replace(arm(), request_headers=HeaderExpectation(absent=("x-user",)))) is None
    )
    more = replace(arm(), request_headers=HeaderExpectation(added=(("x-user", "z"),)))
    assert key_of(expectation("x-user:a"), more) == ("a,z",)
    drawn = replace(arm(), request_headers=HeaderExpectation(untold=(("x-user", "%HOSTNAME%"),)))
    assert key_of(expectation("x-user:a"), drawn) is None


UPGRADE = "connection:upgrade upgrade:websocket"
WHOLE = f"{UPGRADE} sec-websocket-version:13 sec-websocket-key:bWVzaA=="


def test_an_offer_to_change_the_protocol_that_a_pod_declines_is_answered_without_a_cookie() -> None:
    one_pod = arm(COOKIE, pods=1)
    row = [expectation(UPGRADE, one_pod), expectation("", one_pod)]
    verdict = judged(row, lambda request: seen(request, "pod-1", "v1", *([GIVEN] if request else [])))
    assert verdict.outcome is Outcome.PASSED
    assert judged(row, lambda request: seen(request, "pod-1")).outcome is Outcome.FAILED
    shaken = [expectation(WHOLE, one_pod)]
    assert judged(shaken, lambda request: replace(seen(0, "pod-1", "v1", GIVEN), status=101)).outcome is Outcome.PASSED
    assert judged(shaken, lambda request: replace(seen(0, "pod-1"), status=101)).outcome is Outcome.FAILED
    declined = judged(shaken, lambda request: seen(0, "pod-1"), most=50)
    assert declined.outcome is Outcome.INCONCLUSIVE
