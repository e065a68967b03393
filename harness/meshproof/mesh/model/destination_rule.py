"""DestinationRules: subsets and traffic policies. Durations are seconds.

Fields follow https://istio.io/latest/docs/reference/config/networking/destination-rule/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.traffic_policy.client_tls import ClientTls
from meshproof.mesh.model.traffic_policy.locality import LocalitySetting
from meshproof.records import dataclass


class LoadBalancer(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    LEAST_REQUEST = "LEAST_REQUEST"
    ROUND_ROBIN = "ROUND_ROBIN"
    RANDOM = "RANDOM"
    PASSTHROUGH = "PASSTHROUGH"
    CONSISTENT_HASH = "CONSISTENT_HASH"


class HashKind(StrEnum):
    """What of a request is hashed."""

    HEADER = "header"
    COOKIE = "cookie"
    QUERY_PARAMETER = "query parameter"
    SOURCE_IP = "source IP"


@dataclass(frozen=True, slots=True)
class ConsistentHash:
    """The pod is chosen by the hash of one thing about the request; `kind` None: nothing is named, nothing is hashed.

    `name` is that of the header, cookie or query parameter. With a `ttl` (seconds; 0 for a session) a proxy gives
    a cookie with `path` and `attributes` to a client without one. `size` is the number of entries of a Maglev table
    or the least one of a ring; None leaves it to Envoy.
    """

    kind: HashKind | None
    name: str = ""
    ttl: float | None = None
    path: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    maglev: bool = False
    size: int | None = None
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """None is unlimited (Istio's default, which is not Envoy's).

    Pods are called by the protocol that the port names, unless `use_client_protocol` (as the client speaks) or
    `upgrade_to_http2` says otherwise (None: what the mesh says counts).
    """

    max_connections: int | None = None
    connect_timeout: float | None = None
    http1_max_pending_requests: int | None = None
    http2_max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: float | None = None
    location: Location | None = None
    use_client_protocol: bool = False
    upgrade_to_http2: bool | None = None
    max_connection_duration: float | None = None
    max_concurrent_streams: int | None = None


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """Defaults are Istio's; `consecutive_gateway_errors` None leaves that detector off."""

    consecutive_5xx_errors: int | None = 5
    consecutive_gateway_errors: int | None = None
    consecutive_local_origin_failures: int | None = None
    split_external_local_origin_errors: bool = False
    interval: float = 10.0
    base_ejection_time: float = 30.0
    max_ejection_percent: int = 10
    min_health_percent: int = 0
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Retries at once: `percent` of the requests under way and pending, or `min_retry_concurrency` if that is more."""

    percent: float = 20.0
    min_retry_concurrency: int = 3
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Warmup:
    """For `window` seconds a new pod gets less, in the beginning `minimum` percent of its share."""

    window: float
    aggression: float = 1.0
    minimum: float = 10.0
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    """`consistent_hash` is there where `load_balancer` is CONSISTENT_HASH; `locality` None is Istio's default."""

    load_balancer: LoadBalancer = LoadBalancer.UNSPECIFIED
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    ports: Mapping[int, TrafficPolicy] = field(default_factory=dict)
    consistent_hash: ConsistentHash | None = None
    warmup: Warmup | None = None
    locality: LocalitySetting | None = None
    tls: ClientTls | None = None
    retry_budget: RetryBudget | None = None


# That of most rules and subsets: one object for all of them.
NO_POLICY = TrafficPolicy()


@dataclass(frozen=True, slots=True)
class Subset:
    name: str
    labels: Labels
    policy: TrafficPolicy
    location: Location


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """`export_to` are the entries as written (none: all namespaces), `selector` the labels of the clients that it is
    for (None: of all), `created` when it was made, in RFC 3339 and UTC (empty: not told). One that istiod makes of
    policies of the Gateway API is a `backend_policy`: it says what other rules for its host leave open. One that says
    nothing of whom it is exported to, and is by the mesh's default for its own namespace alone, is `kept_by_default`.
    """

    name: str
    namespace: str
    host: str
    subsets: tuple[Subset, ...]
    policy: TrafficPolicy
    location: Location
    export_to: tuple[str, ...] = ()
    selector: Labels | None = None
    created: str = ""
    backend_policy: bool = False
    kept_by_default: bool = False

    @property
    def called(self) -> str:
        """What a person calls it: the kind and name of what stands in the manifests."""
        kind = "BackendTLSPolicy" if self.backend_policy else "DestinationRule"
        return f"{kind} {self.namespace}/{self.name}"

    @property
    def policies(self) -> Iterator[tuple[TrafficPolicy, int | None]]:
        """The policies of all levels: the rule's and its subsets', and those of their ports with the port."""
        for whole in (self.policy, *(one.policy for one in self.subsets)):
            yield whole, None
            yield from ((policy, port) for port, policy in whole.ports.items())
