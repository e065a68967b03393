"""Where what happened is not what was predicted, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from differential_site import ANSWERED, ID, POD, Answer, Headers, Seen
from meshproof.border.expectation import Arm, Expectation, HeaderExpectation
from meshproof.judge.own_answer import unreachable

UNAVAILABLE = 503
# Changed by every hop, or by Envoy for its own ends.
OWN = frozenset({"host", ID, "content-length", "transfer-encoding", "connection", "date", "server", "location", "vary"})


def differences(expected: Expectation, answer: Answer | None, *, plain: bool = True) -> list[str]:
    """Everything that contradicts the expectation.

    Without `plain` nothing is said of headers: several entries of the rule lead to one destination, and
    each may change them otherwise.
    """
    if expected.refused == "connection":
        return [] if answer is None else [f"a connection was predicted to be refused, and got {answer.status}"]
    if answer is None:
        return ["nothing listens there"]
    if expected.abort is not None and expected.abort.share == 1:
        said = expected.abort.grpc_status
        wanted = HeaderExpectation() if said is None else HeaderExpectation((("grpc-status", str(said)),))
        return list(_own(answer, expected.abort.status, wanted))
    if expected.status:
        return list(_proxy(expected, answer))
    return list(_drawn(expected, answer, plain))


def _own(answer: Answer, status: int, headers: HeaderExpectation) -> Iterator[str]:
    if answer.status != status:
        yield f"status {status} was predicted, not {answer.status}"
    if answer.seen:
        yield f"{answer.seen[0].workload} got what the proxy was predicted to answer itself"
    else:
        yield from _headers("response", headers, (), answer.headers)


def _proxy(expected: Expectation, answer: Answer) -> Iterator[str]:
    yield from _own(answer, expected.status, expected.headers)
    location = next((value for name, value in answer.headers if name == "location"), None)
    target = expected.redirect.target if expected.redirect else None
    if location != target:
        yield f"location {target} was predicted, not {location}"
    bodiless = expected.request.method == "HEAD" or expected.status == 204
    if expected.body and not bodiless and answer.body != expected.body:
        yield f"body {expected.body!r} was predicted, not {answer.body!r}"


def _drawn(expected: Expectation, answer: Answer, plain: bool) -> Iterator[str]:
    arms = [one for one in expected.arms if one.share > 0]
    if not answer.seen:
        statuses = {one.status or UNAVAILABLE for one in arms if not one.workloads}
        said = dict(answer.headers).get("grpc-status")
        found = (answer.status, int(said) if said else None)
        if found not in {unreachable(expected, status) for status in statuses}:
            yield f"{_names(arms)} was predicted, and the proxy answered {answer.status}"
        return
    if len(answer.seen) > 1:
        yield f"{len(answer.seen)} requests arrived"
    seen = answer.seen[0]
    possible = [one for one in arms if seen.workload in one.workloads]
    if not possible:
        yield f"{_names(arms)} was predicted, not {seen.workload}"
        return
    if answer.status != 200:
        yield f"status 200 was predicted, not {answer.status}"
    if seen.path != expected.path:
        yield f"path {expected.path} was predicted, not {seen.path}"
    if seen.method != expected.request.method:
        yield f"method {expected.request.method} was sent, and {seen.method} arrived"
    # Where two arms lead to one workload, it must have been one of them.
    found = [list(_through(expected, one, seen, answer)) for one in possible]
    if plain and all(found):
        yield from min(found, key=len)


def _through(expected: Expectation, arm: Arm, seen: Seen, answer: Answer) -> Iterator[str]:
    authority = next((value for name, value in arm.request_headers.exact if name == "host"), expected.authority)
    if seen.authority != authority:
        yield f"authority {authority} was predicted, not {seen.authority}"
    kept = (pair for pair in expected.request.headers if pair[0].lower() not in expected.dropped)
    sent = tuple((name.lower(), value) for name, value in kept)
    yield from _headers("request", arm.request_headers, sent, seen.headers)
    if any(name == "upgrade" for name, _ in expected.request.headers):
        # Of an answer that changes no protocol Envoy makes one of its own: nothing is predicted of its headers.
        return
    answered = ((POD, seen.workload), *ANSWERED)
    yield from _headers("response", arm.response_headers, answered, answer.headers)


def _names(arms: Iterable[Arm]) -> str:
    return " or ".join(f"{one.destination}:{one.port} ({', '.join(sorted(one.workloads)) or one.note})" for one in arms)


def _headers(which: str, expected: HeaderExpectation, sent: Headers, got: Headers) -> Iterator[str]:
    for name in dict.fromkeys(name for name, _ in expected.exact):
        wanted = [value for other, value in expected.exact if other == name]
        values = [found for other, found in got if other == name]
        if name not in OWN and values != wanted and (len(wanted) == 1 or ",".join(values) != ",".join(wanted)):
            yield f"{which} header {name}: {wanted} was predicted, not {values}"
    for name, value in expected.added:
        values = [part for other, found in got if other == name for part in (found, *found.split(","))]
        if value not in values:
            yield f"{which} header {name} was predicted to have {value} added, not {values}"
    for name in expected.absent:
        if any(other == name for other, _ in got):
            yield f"{which} header {name} was predicted to be absent"
    touched = {name for name, _ in expected.exact + expected.added + expected.untold} | set(expected.absent)
    for name in dict.fromkeys(name for name, _ in sent):
        before = [value for other, value in sent if other == name]
        after = [value for other, value in got if other == name]
        if name not in OWN and name not in touched and ",".join(before) != ",".join(after):
            yield f"{which} header {name} was to pass as {before}, and came as {after}"
