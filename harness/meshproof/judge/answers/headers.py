"""Which headers are not as the rules have them: at the pod, and in the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.judge.wording import joined
from meshproof.redaction.credentials import redact_header

# What the load generator sends by itself.
SENT = frozenset({"user-agent", "accept", "x-meshproof-id"})
# What proxies add by themselves: how they were reached, and what tracing needs
# (https://istio.io/latest/docs/tasks/observability/distributed-tracing/overview/).
OF_PROXIES = (
    *("x-envoy-", "x-forwarded-", "x-request-id", "x-istio-", "b3", "x-b3-", "traceparent", "tracestate", "baggage"),
    *("x-ot-span-context", "x-cloud-trace-context", "grpc-trace-bin", "x-datadog-", "sw8", "x-amzn-trace-id"),
)
# What workloads and proxies write into answers themselves, whatever a rule does.
OF_WORKLOADS = frozenset({"date", "server", "content-type", "content-length", "connection", "location"})


def named(expected: HeaderExpectation) -> set[str]:
    """The headers of which anything is expected, and those that a rule gives a value that nobody knows."""
    return {*dict(expected.exact), *dict(expected.added), *expected.absent, *dict(expected.untold)}


def differing(which: str, expected: HeaderExpectation, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Which headers are not as expected; several of one name may arrive joined by commas."""
    seen: dict[str, list[str]] = {}
    for name, value in found:
        seen.setdefault(name.lower(), []).append(value)
    wanted: dict[str, list[str]] = {}
    for name, text in expected.exact:
        wanted.setdefault(name, []).append(_as_received(text))
    for name, several in wanted.items():
        got = seen.get(name, [])
        if name != "host" and got != several and (len(several) == 1 or _parts(got) != _parts(several)):
            yield f"its {which} header {name} was {_shown(name, seen.get(name))}, not {_shown(name, several)}"
    for name, text in expected.added:
        value, values = _as_received(text), seen.get(name, [])
        if value not in values and not _holds(_parts(values), _parts([value])):
            yield f"its {which} header {name} was {_shown(name, seen.get(name))}, without {_shown(name, [value])}"
    for name in expected.absent:
        if name in seen:
            yield f"its {which} header {name} was there: {_shown(name, seen[name])}"


def kept(sent: Iterable[tuple[str, str]], expected: HeaderExpectation, but: Set[str]) -> HeaderExpectation:
    """What is expected of headers that were sent, which rules change, if at all, by adding to them."""
    replaced = {name for name, _ in (*expected.exact, *expected.untold)} | {*expected.absent} | but
    return HeaderExpectation(added=tuple(pair for pair in sent if pair[0] not in replaced))


def _parts(values: Iterable[str]) -> list[str]:
    return [part.strip() for one in values for part in one.split(",")]


def _holds(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part`, one value with commas of its own, stands somewhere in `whole`, as it is and in one piece."""
    return any(list(whole[at : at + len(part)]) == list(part) for at in range(len(whole) - len(part) + 1))


def _as_received(text: str) -> str:
    """A value as what receives it writes it down: a character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def unspecified(known: set[str], received: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Request headers that nobody sent, no rule sets, and no proxy adds by itself."""
    for name, value in received:
        low = name.lower()
        if low not in known and low not in SENT and not low.startswith(OF_PROXIES):
            yield f"its request header {low} was {_shown(low, [value])}, which no rule sets"


def written_beside(expectation: Expectation, applied: Expectation) -> Mapping[str, tuple[str, ...]]:
    """The values that applied rules give to response headers of which the specified ones say nothing."""
    specified = {name for one in _responses(expectation) for name in named(one)} | OF_WORKLOADS
    found: dict[str, tuple[str, ...]] = {}
    for one in _responses(applied):
        for name, value in (*one.exact, *one.added):
            if name not in specified:
                found[name] = (*found.get(name, ()), value)
    return found


def _responses(expectation: Expectation) -> tuple[HeaderExpectation, ...]:
    """What is expected of response headers, whoever answers."""
    return (expectation.headers, *(arm.response_headers for arm in expectation.arms if arm.share))


def _shown(name: str, values: Sequence[str] | None) -> str:
    return "missing" if values is None else joined([repr(redact_header(name, value)) for value in values])
