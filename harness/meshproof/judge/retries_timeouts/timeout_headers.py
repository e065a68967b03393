"""The timeout headers that a proxy sends to pods: how long it will wait for them.

Envoy writes it into each request that it sends on, in milliseconds: the limit of that try, or what is left of
the route's timeout where that is less, and nothing where there is neither
(https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-expected-rq-timeout-ms).
A sidecar of the pod may remove the header: that it is missing behind a sidecar proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.judge.arrivals import Arrival
from meshproof.judge.limits import first_limit

EXPECTED = "x-envoy-expected-rq-timeout-ms"
MILLISECOND = 0.001


def wrong_timeout_headers(expectation: Expectation, tries: Sequence[Arrival], *, proxyless: bool) -> str:
    """What is wrong with the timeout header of a request's first try; empty when nothing is.

    Where pods are `proxyless` (without a sidecar), a missing header means that there is no limit.
    """
    if not tries:
        return ""
    sent = dict(tries[0].received.headers).get(EXPECTED)
    wanted = first_limit(expectation)
    if sent is None and (wanted is None or not proxyless):
        return ""
    if sent is not None and wanted is not None and sent == str(round(wanted / MILLISECOND)):
        return ""
    limit = "without a limit" if sent is None else f"with a limit of {sent} ms"
    return f"sent to a pod {limit} ({EXPECTED}), where {'none is' if wanted is None else f'{wanted:g} s are'} specified"
