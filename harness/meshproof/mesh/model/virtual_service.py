"""VirtualServices and their HTTP routes. Durations are seconds, percentages fractions of one, hosts resolved.

Fields follow https://istio.io/latest/docs/reference/config/networking/virtual-service/.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from fractions import Fraction

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass

Headers = tuple[tuple[str, str], ...]

MESH_GATEWAY = "mesh"
ALONE = "meshproof-alone"
"""The VirtualService of a load that proves one destination's policy: no other rule is in force beside its own."""


class MatchKind(StrEnum):
    EXACT = "exact"
    PREFIX = "prefix"
    PATH_PREFIX = "path prefix"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class StringMatch:
    """`regex` is RE2 and must match the whole value; `present` asks only for existence.

    `path prefix` is the Gateway API's: a path that begins with these segments, so that `/a` is no prefix of `/ab`. It
    has no slash at its end.
    """

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
    prefix_rewrite: str = ""


@dataclass(frozen=True, slots=True)
class DirectResponse:
    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Abort:
    """`grpc_status` is given instead of a status, which is then 200: what a client that speaks no gRPC gets."""

    share: Fraction
    status: int
    location: Location
    grpc_status: int | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    share: Fraction
    seconds: float
    location: Location


@dataclass(frozen=True, slots=True)
class Retries:
    """`back_off` is in seconds; `ignore_previous_hosts` None: istiod's default, true but for hashed choices."""

    attempts: int
    per_try_timeout: float | None
    retry_on: str
    location: Location
    back_off: float | None = None
    ignore_previous_hosts: bool | None = None
    remote_localities: bool = False


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """With `answers_unmatched` (istiod's IGNORE) the proxy answers preflights from other origins, too."""

    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: float | None = None
    allow_credentials: bool | None = None
    answers_unmatched: bool = False


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One rule: any of `matches` (none: every request) leads to destinations, a redirect or a direct response.

    A rule of a delegate stands where the delegate has it; `root` is then the place of the rule that delegates to it.
    `missing` is the delegate (`namespace/name`) of a rule whose delegate is not known: what it does is unknown, too.
    `missing_status` is what the proxy answers where a destination does not exist.
    """

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
    root: Location | None = None
    missing: str = ""
    missing_status: int = 503

    @property
    def aims(self) -> tuple[Destination, ...]:
        """Where it sends requests, and their copies."""
        return (*(one.destination for one in self.destinations), *(one.destination for one in self.mirrors))


@dataclass(frozen=True, slots=True)
class TcpMatch:
    """All conditions must hold (AND); `by_address`: it has conditions on addresses besides, which are not modelled.

    `gateways` empty: those of the VirtualService. `sni_hosts` are the names, or patterns, that a TLS handshake asks
    for; none where the rule is for connections of whatever is spoken over them.
    """

    location: Location
    port: int | None = None
    gateways: tuple[str, ...] = ()
    source_labels: Labels = field(default_factory=dict)
    source_namespace: str = ""
    by_address: bool = False
    sni_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TcpRoute:
    """One rule for connections: any of `matches` (none: every connection) leads to destinations.

    It is one of `tcp`, or of `tls`, where each of `matches` names hosts of handshakes.
    """

    matches: tuple[TcpMatch, ...]
    destinations: tuple[RouteDestination, ...]
    location: Location

    @property
    def aims(self) -> tuple[Destination, ...]:
        """Where it sends connections."""
        return tuple(one.destination for one in self.destinations)


@dataclass(frozen=True, slots=True)
class VirtualService:
    """`hosts` are resolved; `gateways` are `mesh` or `namespace/name`; delegates are merged into `http`.

    `export_to` are the entries as written (none: Istio's default, all namespaces); `created` is when it was made, in
    RFC 3339 and UTC, so that it sorts (empty: not told). Those of `gateway_api` are made of its routes: each request
    gets the most specific of all rules, whatever their order, and only clients of their own namespace and of that of
    the host have them. `left_out` says why istiod leaves out rules that it delegates, one reason for each. One that is
    made of Ingresses has the name (`namespace/name`) of the oldest of them in `ingress`.
    """

    name: str
    namespace: str
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    http: tuple[HttpRoute, ...]
    location: Location
    export_to: tuple[str, ...] = ()
    created: str = ""
    gateway_api: bool = False
    tcp: tuple[TcpRoute, ...] = ()
    tls: tuple[TcpRoute, ...] = ()
    left_out: tuple[str, ...] = ()
    ingress: str = ""

    @property
    def is_written(self) -> bool:
        """Whether it stands in the manifests as it is, and is made of nothing else."""
        return not self.gateway_api and not self.ingress

    @property
    def rules(self) -> tuple[HttpRoute | TcpRoute, ...]:
        """All of its rules."""
        return (*self.http, *self.connections)

    @property
    def aimed_at(self) -> tuple[str, ...]:
        """The hosts to which its rules send, or copy, each once."""
        return tuple(dict.fromkeys(one.host for rule in self.rules for one in rule.aims))

    @property
    def connections(self) -> tuple[TcpRoute, ...]:
        """Its rules for connections."""
        return (*self.tls, *self.tcp)
