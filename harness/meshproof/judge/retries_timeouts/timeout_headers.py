"""What a proxy tells the pods of the time that it will wait for them.

Envoy writes it into each request that it sends on, in milliseconds: the limit of that try, or what is left of
the route's timeout where that is less, and nothing where there is neither
(https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-expected-rq-timeout-ms).
A proxy beside the pod may take it away again: what it does not let through says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.judge.arrivals import Arrival

EXPECTED = "x-envoy-expected-rq-timeout-ms"
MILLISECOND = 0.001


def wrong_timeout_headers(expectation: Expectation, tries: Sequence[Arrival], *, proxyless: bool) -> str:
    """What is wrong with what the first try of a request was told; empty when nothing is.

    Where pods are `bare`, without a proxy beside them, that nothing is said means that there is no limit.
    """
    if not tries:
        return ""
    told = dict(tries[0].received.headers).get(EXPECTED)
    wanted = first_limit(expectation)
    if told is None and (wanted is None or not proxyless):
        return ""
    if told is not None and wanted is not None and told == str(round(wanted / MILLISECOND)):
        return ""
    said = "without a limit" if told is None else f"with a limit of {told} ms"
    return f"sent to a pod {said} ({EXPECTED}), where {'none is' if wanted is None else f'{wanted:g} s are'} specified"


def first_limit(expectation: Expectation) -> float | None:
    """Seconds that the first try may take; None: for ever."""
    retries = expectation.retries
    limits = [one for one in (expectation.timeout, retries.per_try_timeout if retries else None) if one]
    return min(limits, default=None)
