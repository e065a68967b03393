"""Whether a mirror's copy is what its primary was."""

from __future__ import annotations

from meshproof.border.books import Received
from meshproof.judge.arrivals import shadowed

WRITTEN_BY_PROXY = frozenset(
    {
        "host",
        "x-envoy-internal",
        "x-forwarded-for",
        "x-envoy-attempt-count",
        "x-envoy-expected-rq-timeout-ms",
        "traceparent",
        "tracestate",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
    }
)
"""Headers that the proxy that makes a copy writes into it, and into the primary when it sends that on: the mark
of a copy, where it came from, the number of the attempt, the time that the proxy waits (a copy is not tried again, and
has that of all tries), and the span of a trace."""


def alteration(primary: Received, copy: Received) -> str:
    """What of a copy differs from its primary beyond what the proxy itself writes; empty when nothing does."""
    if copy.digest != primary.digest:
        return "another body"
    if copy.method != primary.method:
        return f"the method {copy.method} instead of {primary.method}"
    if copy.path != primary.path:
        return f"the path {copy.path[:100]!r} instead of {primary.path[:100]!r}"
    if copy.authority not in (primary.authority, shadowed(primary.authority)):
        return f"the Host {copy.authority[:100]!r} instead of {primary.authority!r}"
    ours, theirs = _headers(primary), _headers(copy)
    names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"other headers ({', '.join(names[:3])}{more})"
    return ""


def _headers(received: Received) -> dict[str, list[str]]:
    """The values of each header that the proxy does not write, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in received.headers:
        if (lower := name.lower()) not in WRITTEN_BY_PROXY:
            found.setdefault(lower, []).append(value)
    return found
