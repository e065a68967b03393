"""One request that is sent once, what it is specified to become, and what a pod received of it."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.border.verdict import Verdict
from meshproof.judge.answers.answers import Answers

REQUEST = Request("GET", "h.example.com", 80, "/status", (("x-own", "1"),), gateway="default/g")


def answered(build, expectation: Expectation, observation: Observation, *received: Received) -> Verdict:
    """The verdict on one request that was sent once."""
    (trial,) = Answers(times=1).begin(build.plan(expectation))
    trial.observe(observation)
    assert trial.decided
    books = [PodBook(one.pod, "default/helloworld-v1", 1, 1, (one,)) for one in received]
    return trial.conclude(Books(tuple(books)))


def received(**fields: object) -> Received:
    plain = {
        "id": "id-1",
        "pod": "helloworld-v1-0",
        "method": "GET",
        "path": "/status",
        "authority": "h.example.com",
        "headers": (("host", "h.example.com"), ("X-Own", "1")),
        "digest": "",
        "at": 0.0,
    }
    own = {**plain, **fields}
    return Received(**{**own, "headers": (*own["headers"], ("X-Forwarded-Proto", "http"))})  # type: ignore[arg-type]


def routed(build, **fields: object) -> Expectation:
    arm = build.arm("v1", 100)
    arm = replace(arm, **{name: fields.pop(name) for name in ("request_headers", "response_headers") if name in fields})
    plain = {"request": REQUEST, "path": "/status", "authority": "h.example.com"}
    return build.expectation(arm, **{**plain, **fields})


def own(build, status: int = 404, **fields: object) -> Expectation:
    return build.expectation(**{"request": REQUEST, "status": status, "route": None, "note": "no rule", **fields})
