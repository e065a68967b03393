"""The circuit breaker proper: limits of connections, requests and retries.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings
"""

from __future__ import annotations

from enum import Enum, auto

from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.destination_rule import ConnectionPool, RetryBudget

# istiod's defaults. Envoy's own are 1024 (3 for retries), which would trip unasked.
UNLIMITED = 4294967295
CONNECT_TIMEOUT = 10.0
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


class Upstream(Enum):
    """By which protocol a proxy calls pods."""

    HTTP1 = auto()
    HTTP2 = auto()
    CLIENT = auto()
    """By that of the request, as it came."""


SPOKEN: dict[Upstream, Fields] = {
    Upstream.HTTP1: {"explicit_http_config": {"http_protocol_options": {}}},
    Upstream.HTTP2: {"explicit_http_config": {"http2_protocol_options": {}}},
    Upstream.CLIENT: {"use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}}},
}


def thresholds(pool: ConnectionPool, budget: RetryBudget | None = None) -> Fields:
    """Envoy's thresholds; a limit of 0 is no limit to istiod. With a budget `max_retries` is out of force."""
    spared: Fields = {}
    if budget is not None:
        spared = {
            "retry_budget": {
                "budget_percent": {"value": budget.percent},
                "min_retry_concurrency": wrapped(budget.min_retry_concurrency),
            }
        }
    return {
        **spared,
        "max_connections": wrapped(pool.max_connections or UNLIMITED),
        "max_pending_requests": wrapped(pool.http1_max_pending_requests or UNLIMITED),
        "max_requests": wrapped(pool.http2_max_requests or UNLIMITED),
        "max_retries": wrapped(pool.max_retries or UNLIMITED),
        "track_remaining": True,
    }


def connection_pool(
    settings: ConnectionPool | None,
    upstream: Upstream,
    by_request: Fields,
    default: float | None = None,
    budget: RetryBudget | None = None,
) -> Fields:
    """The fields of a Cluster that a connection pool and the protocol of its pods decide.

    `by_request` are further options of that protocol, `default` the whole mesh's time to connect, in seconds.
    """
    pool = settings or ConnectionPool()
    timeout = next((one for one in (pool.connect_timeout, default) if one is not None), CONNECT_TIMEOUT)
    breakers: Fields = {"thresholds": [thresholds(pool, budget)]}
    fields: Fields = {"connect_timeout": duration(timeout), "circuit_breakers": breakers}
    common: Fields = {}
    if pool.idle_timeout is not None:
        common["idle_timeout"] = duration(pool.idle_timeout)
    if pool.max_requests_per_connection:
        common["max_requests_per_connection"] = wrapped(pool.max_requests_per_connection)
    if pool.max_connection_duration is not None:
        common["max_connection_duration"] = duration(pool.max_connection_duration)
    if common or by_request or upstream is not Upstream.HTTP1:
        own: Fields = {"common_http_protocol_options": common} if common else {}
        options = {**own, **by_request, **SPOKEN[upstream]}
        if upstream is Upstream.HTTP2 and pool.max_concurrent_streams:
            options["explicit_http_config"] = {"http2_protocol_options": _streams(pool.max_concurrent_streams)}
        kind = http_protocol_options_pb2.HttpProtocolOptions
        fields["typed_extension_protocol_options"] = {PROTOCOL_OPTIONS: packed(kind, options)}
    return fields


def _streams(most: int) -> Fields:
    return {"max_concurrent_streams": wrapped(most)}
