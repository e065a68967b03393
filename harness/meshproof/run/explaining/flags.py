"""Envoy's response flags in words, told by what its counters grew by.

Sources: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage (RESPONSE_FLAGS) and,
for the counters beside them, .../configuration/upstream/cluster_manager/cluster_stats and
.../configuration/http/http_conn_man/stats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.records import dataclass

# Counters end in these; each grows where a response gets the flag.
FLAGS = {
    "upstream_cx_none_healthy": ("UH", "no healthy upstream: no pod stands behind the destination, or all are ejected"),
    "upstream_rq_pending_overflow": ("UO", "overflow: a limit of the connection pool was reached"),
    "upstream_cx_connect_fail": ("UF", "connection failure: a pod could not be connected to"),
    "upstream_rq_timeout": ("UT", "upstream request timeout: no answer within the rule's timeout"),
    "upstream_rq_retry_limit_exceeded": ("URX", "retry limit exceeded: the last try allowed failed, too"),
    "upstream_rq_rx_reset": ("UR", "upstream remote reset: the pod broke the answer off"),
    "upstream_cx_destroy_remote_with_active_rq": ("UC", "upstream connection termination: the pod closed it"),
    "no_route": ("NR", "no route: no rule takes the request"),
    "no_cluster": ("NC", "no cluster: the rule leads to a destination that is not defined"),
    "fault.aborts_injected": ("FI", "fault injected: answered by fault.abort"),
    "fault.delays_injected": ("DI", "delay injected: held by fault.delay"),
}
BY_CLUSTER = "cluster.outbound|"


@dataclass(frozen=True, slots=True)
class Flag:
    """A response flag, what it means, how often it was given, and the counter that tells."""

    name: str
    meaning: str
    count: int
    counter: str


def flags(proxies: Mapping[str, Mapping[str, int]]) -> Iterator[Flag]:
    """The flags that proxies gave, by the growth of their counters."""
    for counters in proxies.values():
        for counter, grown in sorted(counters.items()):
            if grown <= 0 or not counter.startswith((BY_CLUSTER, "http.outbound")):
                continue
            found = next((pair for end, pair in FLAGS.items() if counter.endswith(f".{end}")), None)
            if found is not None:
                yield Flag(*found, grown, counter)
