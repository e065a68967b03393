"""The frozen model of a mesh, in Istio's and Kubernetes' own terms.

Names are resolved (a host is a fully qualified domain name), defaults that Istio documents are
filled in, durations are seconds (float), percentages are fractions of one. Every object keeps the
location of the manifest lines that it came from. Fields follow
https://istio.io/latest/docs/reference/config/networking/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from meshproof.errors import Location

Labels = Mapping[str, str]
Headers = tuple[tuple[str, str], ...]

CLUSTER_DOMAIN = "svc.cluster.local"
MESH_GATEWAY = "mesh"
# Istio's own namespace: its configuration is for the whole mesh, and its gateways run there.
ROOT_NAMESPACE = "istio-system"


# Kubernetes


@dataclass(frozen=True, slots=True)
class ServicePort:
    """`target` is a number, or the name of a container port; `protocol` is Istio's (http, http2, grpc, tcp, tls …)."""

    number: int
    name: str
    target: int | str
    protocol: str
    location: Location


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    namespace: str
    ports: tuple[ServicePort, ...]
    selector: Labels
    location: Location

    @property
    def host(self) -> str:
        return f"{self.name}.{self.namespace}.{CLUSTER_DOMAIN}"


@dataclass(frozen=True, slots=True)
class ContainerPort:
    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment: `labels` are its pod template's, `image` its first application container's."""

    name: str
    namespace: str
    replicas: int
    labels: Labels
    image: str
    ports: tuple[ContainerPort, ...]
    location: Location

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret's decoded data; it never shows in a repr."""

    name: str
    namespace: str
    data: Mapping[str, bytes] = field(repr=False)
    location: Location


# DestinationRule


class LoadBalancer(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    LEAST_REQUEST = "LEAST_REQUEST"
    ROUND_ROBIN = "ROUND_ROBIN"
    RANDOM = "RANDOM"
    PASSTHROUGH = "PASSTHROUGH"
    CONSISTENT_HASH = "CONSISTENT_HASH"


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """None is unlimited (Istio's default, which is not Envoy's)."""

    max_connections: int | None = None
    connect_timeout: float | None = None
    http1_max_pending_requests: int | None = None
    http2_max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: float | None = None
    location: Location | None = None


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
class TrafficPolicy:
    load_balancer: LoadBalancer = LoadBalancer.UNSPECIFIED
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    ports: Mapping[int, TrafficPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subset:
    name: str
    labels: Labels
    policy: TrafficPolicy
    location: Location


@dataclass(frozen=True, slots=True)
class DestinationRule:
    name: str
    namespace: str
    host: str
    subsets: tuple[Subset, ...]
    policy: TrafficPolicy
    location: Location


# VirtualService


class MatchKind(StrEnum):
    EXACT = "exact"
    PREFIX = "prefix"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class StringMatch:
    """`regex` is RE2 and must match the whole value; `present` asks only for existence."""

    kind: MatchKind
    value: str
    location: Location


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """All conditions must hold (AND); header names are lower case. `gateways` empty: those of the VirtualService."""

    location: Location
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: tuple[tuple[str, StringMatch], ...] = ()
    without_headers: tuple[tuple[str, StringMatch], ...] = ()
    query_params: tuple[tuple[str, StringMatch], ...] = ()
    port: int | None = None
    gateways: tuple[str, ...] = ()
    source_labels: Labels = field(default_factory=dict)
    source_namespace: str = ""


@dataclass(frozen=True, slots=True)
class HeaderChange:
    set: Headers = ()
    add: Headers = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()


@dataclass(frozen=True, slots=True)
class Destination:
    """`host` is resolved; `port` None means the service's only port, or the one the request came to."""

    host: str
    subset: str
    port: int | None
    location: Location


@dataclass(frozen=True, slots=True)
class RouteDestination:
    destination: Destination
    weight: int
    headers: HeaderChanges
    location: Location


@dataclass(frozen=True, slots=True)
class Mirror:
    """`coarse` where the share is drawn from a hundred, not from a million: `mirrorPercent`, or no share given."""

    destination: Destination
    share: Fraction
    location: Location
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class Rewrite:
    uri: str = ""
    authority: str = ""
    uri_regex: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    uri: str = ""
    authority: str = ""
    scheme: str = ""
    port: int | None = None
    derive_port: str = ""
    code: int = 301


@dataclass(frozen=True, slots=True)
class DirectResponse:
    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Abort:
    share: Fraction
    status: int
    location: Location


@dataclass(frozen=True, slots=True)
class Delay:
    share: Fraction
    seconds: float
    location: Location


@dataclass(frozen=True, slots=True)
class Retries:
    attempts: int
    per_try_timeout: float | None
    retry_on: str
    location: Location


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: float | None = None
    allow_credentials: bool | None = None


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One rule: any of `matches` (none: every request) leads to destinations, a redirect or a direct response."""

    name: str
    matches: tuple[RouteMatch, ...]
    destinations: tuple[RouteDestination, ...]
    location: Location
    redirect: Redirect | None = None
    direct_response: DirectResponse | None = None
    rewrite: Rewrite | None = None
    timeout: float | None = None
    retries: Retries | None = None
    abort: Abort | None = None
    delay: Delay | None = None
    mirrors: tuple[Mirror, ...] = ()
    cors: CorsPolicy | None = None
    headers: HeaderChanges = HeaderChanges()


@dataclass(frozen=True, slots=True)
class VirtualService:
    """`hosts` are resolved; `gateways` are `mesh` or `namespace/name`."""

    name: str
    namespace: str
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    http: tuple[HttpRoute, ...]
    location: Location


# Gateway


class TlsMode(StrEnum):
    NONE = ""
    SIMPLE = "SIMPLE"
    MUTUAL = "MUTUAL"
    OPTIONAL_MUTUAL = "OPTIONAL_MUTUAL"


@dataclass(frozen=True, slots=True)
class ServerTls:
    mode: TlsMode = TlsMode.NONE
    credential_name: str = ""
    https_redirect: bool = False
    min_version: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """`hosts` as written, without their `namespace/` part."""

    port: int
    protocol: str
    name: str
    hosts: tuple[str, ...]
    tls: ServerTls
    location: Location


@dataclass(frozen=True, slots=True)
class Gateway:
    name: str
    namespace: str
    selector: Labels
    servers: tuple[Server, ...]
    location: Location

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


# The whole


@dataclass(frozen=True, slots=True)
class Mesh:
    """Everything that decides where a request goes. Order is that of the manifests."""

    services: tuple[Service, ...] = ()
    workloads: tuple[Workload, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rules: tuple[DestinationRule, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    secrets: tuple[Secret, ...] = ()

    def service(self, host: str) -> Service | None:
        """The Service of that fully qualified host."""
        return next((service for service in self.services if service.host == host), None)

    def selected(self, host: str) -> tuple[Workload, ...]:
        """The workloads that the Service of a host selects."""
        service = self.service(host)
        if service is None or not service.selector:
            return ()
        return tuple(
            workload
            for workload in self.workloads
            if workload.namespace == service.namespace and service.selector.items() <= workload.labels.items()
        )
