"""What pods received, sorted into primaries and copies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import HeaderExpectation
from meshproof.border.request import Request
from meshproof.judge.arrivals import (
    PrimaryTraits,
    hops,
    hops_of_primary,
    is_shadowed,
    join,
    primary_traits,
    shadowed,
)

PRIMARY = Received(
    "a",
    "v1-0",
    "POST",
    "/x?y=1",
    "httpbin:8000",
    (("host", "httpbin:8000"), ("X-First", "one"), ("x-first", "two"), ("x-request-id", "r")),
    "d",
    2.0,
)
COPY = replace(
    PRIMARY,
    pod="v2-0",
    authority="httpbin-shadow:8000",
    headers=(
        ("host", "httpbin-shadow:8000"),
        ("x-first", "one"),
        ("x-first", "two"),
        ("x-request-id", "r"),
        ("x-envoy-internal", "true"),
        ("x-forwarded-for", "10.0.0.1"),
    ),
)


@pytest.mark.parametrize(
    ("authority", "copy"),
    [
        ("httpbin", "httpbin-shadow"),
        ("httpbin:8000", "httpbin-shadow:8000"),
        ("10.0.0.1:80", "10.0.0.1-shadow:80"),
        ("x-shadow:80", "x-shadow-shadow:80"),
    ],
)
def test_the_mark_stands_between_host_and_port(authority: str, copy: str) -> None:
    assert shadowed(authority) == copy
    assert is_shadowed(copy, {authority})
    assert not is_shadowed(authority, {authority})


def test_a_host_that_only_holds_the_word_is_no_copy() -> None:
    for authority in ("shadow:80", "httpbin-shadows:80", "-shadow.example.com", ""):
        assert not is_shadowed(authority, set())


def test_arrivals_are_sorted_by_id_and_time() -> None:
    early = replace(PRIMARY, at=1.0)
    books = Books(
        (
            PodBook("v1-0", "default/v1", 2, 1, (PRIMARY, early), forgotten=1),
            PodBook("v2-0", "default/v2", 1, 1, (COPY,), forgotten=2),
        )
    )
    joined = join(books, PrimaryTraits(frozenset({"httpbin:8000"})))
    assert [one.received.at for one in joined.primaries["a"]] == [1.0, 2.0]
    assert [one.workload for one in joined.copies["a"]] == ["default/v2"]
    assert joined.forgotten == 3


def forwarded_by(*addresses: str) -> Received:
    return (
        replace(PRIMARY, headers=(*PRIMARY.headers, ("x-forwarded-for", ", ".join(addresses))))
        if addresses
        else PRIMARY
    )


@pytest.mark.parametrize(
    ("expected", "arrived", "copies"),
    [
        (0, [forwarded_by()], 0),
        (0, [forwarded_by(), forwarded_by("10.0.0.1")], 1),
        (0, [forwarded_by("10.0.0.1")], 1),
        (0, [forwarded_by("10.0.0.1"), forwarded_by("10.0.0.1")], 2),
        (1, [forwarded_by("10.0.0.9")], 0),
        (1, [forwarded_by("10.0.0.9"), forwarded_by("10.0.0.9", "10.0.0.1")], 1),
        # In a plan with requests from within the mesh and requests that enter by a gateway.
        (1, [forwarded_by(), forwarded_by("10.0.0.1")], 1),
    ],
)
def test_a_copy_has_passed_one_proxy_more_than_its_primary(expected: int, arrived: list[Received], copies: int) -> None:
    joined = join(
        Books((PodBook("v1-0", "default/v1", 2, 1, tuple(arrived), forgotten=0),)), PrimaryTraits(hops=expected)
    )
    assert len(joined.copies.get("a", ())) == copies
    assert len(joined.primaries.get("a", ())) == len(arrived) - copies


@pytest.mark.parametrize(
    ("changed", "sent", "at_gateway"),
    [
        (HeaderExpectation(), 0, 1),
        (HeaderExpectation(exact=(("x-forwarded-for", "1.2.3.4, 5.6.7.8"),)), 2, 2),
        (HeaderExpectation(added=(("x-forwarded-for", "1.2.3.4"),)), 1, 2),
        (HeaderExpectation(absent=("x-forwarded-for",)), 0, 0),
    ],
)
def test_addresses_that_a_rule_writes_make_no_copy(
    build, changed: HeaderExpectation, sent: int, at_gateway: int
) -> None:
    arm = replace(build.arm("v1", 100), request_headers=changed)
    for gateway, count in (("", sent), ("default/g", at_gateway)):
        request = Request("GET", "web", 80, "/", gateway=gateway)
        assert hops_of_primary(build.expectation(arm, request=request)) == count
        traits = primary_traits(build.plan(build.expectation(arm, request=request)))
        assert traits.hops == count


def test_addresses_in_several_headers_are_summed() -> None:
    assert hops((("X-Forwarded-For", "a, b"), ("x-forwarded-for", "c"), ("x-other", "d"))) == 3
    assert hops((("x-forwarded-for", " "),)) == 0
