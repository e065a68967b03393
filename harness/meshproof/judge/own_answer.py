"""Answers that a proxy gives itself, to gRPC too, which they are told by a header instead of a status."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import STATUS_HEADER, grpc_status
from meshproof.border.observation import Observation

OK, UNAVAILABLE = 200, 503


def is_own(observation: Observation, status: int, said: int | None = None) -> bool:
    """Whether a proxy itself gave this answer: its `status`, and to gRPC what it `said` by grpc-status."""
    if observation.pod or observation.workload or observation.status != status:
        return False
    return said is None or observation.grpc_status == said


def is_specified(observation: Observation, expectation: Expectation) -> bool:
    """Whether an answer is the proxy's own that is specified for a request, an injected fault's included."""
    abort = expectation.abort
    if abort and abort.share and is_own(observation, abort.status, abort.grpc_status):
        return True
    return bool(expectation.status) and is_own(observation, expectation.status, said_of(expectation))


def said_of(expectation: Expectation) -> int | None:
    """The grpc-status of the answer of its own that a proxy is to give; None where it says none."""
    said = dict(expectation.headers.exact).get(STATUS_HEADER)
    return int(said) if said else None


def unreachable(expectation: Expectation, status: int = UNAVAILABLE) -> tuple[int, int | None]:
    """The status, and what is said to gRPC, where a proxy reaches no destination; `status` is the rule's own for it."""
    return (OK, grpc_status(status)) if expectation.request.is_grpc else (status, None)


def leads_to(observation: Observation) -> str:
    """Where an answer redirects to, empty where it does not; a client writes down a character for each byte."""
    found = next((value for name, value in observation.headers if name == "location"), "")
    return found.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
