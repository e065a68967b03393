"""A mirror's copy held against its primary."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.books import Received
from meshproof.judge.mirror.alteration import alteration

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


def test_what_the_proxy_writes_is_no_alteration() -> None:
    assert alteration(PRIMARY, COPY) == ""


def test_a_copy_which_is_tried_once_may_wait_longer_than_a_try_of_its_primary() -> None:
    told = "x-envoy-expected-rq-timeout-ms"
    primary = replace(PRIMARY, headers=(*PRIMARY.headers, (told, "500")))
    assert alteration(primary, replace(COPY, headers=(*COPY.headers, (told, "3000")))) == ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"digest": "e"}, "another body"),
        ({"method": "GET"}, "the method GET instead of POST"),
        ({"path": "/x?y=2"}, "the path '/x?y=2' instead of '/x?y=1'"),
        ({"authority": "other-shadow:8000"}, "the Host 'other-shadow:8000' instead of 'httpbin:8000'"),
        ({"headers": COPY.headers[:2] + COPY.headers[3:]}, "other headers (x-first)"),
        ({"headers": (*COPY.headers[:1], *COPY.headers[2:0:-1], *COPY.headers[3:])}, "other headers (x-first)"),
        ({"headers": (*COPY.headers, ("x-new", "1"))}, "other headers (x-new)"),
        ({"headers": tuple((f"x-{n}", "1") for n in range(9))}, "other headers (x-0, x-1, x-2 and 8 more)"),
    ],
)
def test_anything_else_is_an_alteration(fields: dict[str, object], words: str) -> None:
    assert alteration(PRIMARY, replace(COPY, **fields)) == words  # type: ignore[arg-type]
