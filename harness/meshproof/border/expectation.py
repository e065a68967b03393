"""What the manifests say must become of one request."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from fractions import Fraction

from meshproof.border.request import Hashing, Request
from meshproof.errors import Location
from meshproof.records import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """The connection pool limits of a destination; None is unlimited (Istio's default).

    One that is `multiplexed` calls its pods over HTTP/2: a connection carries any number of requests.
    """

    max_connections: int | None = None
    connect_timeout: float | None = None
    http1_max_pending_requests: int | None = None
    http2_max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: float | None = None
    location: Location | None = None
    multiplexed: bool = False


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Retries at once to a destination: `percent` of its requests under way, or the least if that is more.

    `min_retry_concurrency` is that least. It counts in the place of a pool's `max_retries`.
    """

    percent: float
    min_retry_concurrency: int
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Ejection:
    """When a destination's hosts are ejected; None leaves that detector off, times are seconds."""

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
class WarmUp:
    """A new pod of a destination gets less for so many `seconds`, in the beginning `minimum` percent of its share."""

    seconds: float
    aggression: float
    minimum: float
    location: Location | None = None


class Upstream(Enum):
    """By which protocol a proxy calls the pods of a destination."""

    HTTP1 = "HTTP/1.1"
    HTTP2 = "HTTP/2"
    CLIENT = "the protocol of its client"

    def is_http2(self, *, call: bool) -> bool:
        """Whether pods get requests over HTTP/2; only a call of gRPC comes from its client so."""
        return self is Upstream.HTTP2 or (self is Upstream.CLIENT and call)


@dataclass(frozen=True, slots=True)
class Policy:
    """The traffic policy in force for a destination, its subset's and port's own settings merged in.

    With `plain_text` proxies of the mesh speak no TLS among themselves.
    """

    load_balancer: str = "UNSPECIFIED"
    pool: Pool | None = None
    ejection: Ejection | None = None
    upstream: Upstream = Upstream.HTTP1
    warmup: WarmUp | None = None
    plain_text: bool = False
    retry_budget: RetryBudget | None = None


@dataclass(frozen=True, slots=True)
class LocalityShare:
    """The pods of one locality get this share of what a destination gets."""

    locality: str
    share: Fraction
    workloads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Localities:
    """Which workloads (keys) of a destination are called by where they run.

    The first of `levels` gets every request; each further one takes over where all pods before it are ejected. `shares`
    are those of the localities of the first level, where the manifests give them (none: all pods alike). `untold` says
    why none of it is known, and `said` then what is written of it. `location` is where the setting stands (None:
    Istio's default), `name` that of its field.
    """

    levels: tuple[frozenset[str], ...]
    shares: tuple[LocalityShare, ...] = ()
    untold: str = ""
    location: Location | None = None
    said: str = ""
    name: str = "localityLbSetting"


TLS_SEEN = "x-meshproof-tls"
"""The header of a request that tells what its handshake said, where the proxy spoke TLS to a stand-in."""


@dataclass(frozen=True, slots=True)
class Origination:
    """The proxy speaks TLS to a destination, and asks for `sni` (empty: for the authority of the request).

    It shows a certificate or not. The server's has to be for one of `names` (none: for whatever name), and
    `by_authority` for that of the request; where the handshake `fails`, no certificate is good enough. `certificates`
    says where the proxy takes its own and its authorities from, by the fields of the policy that stands at `location`.
    """

    sni: str = ""
    certificate: bool = False
    names: tuple[str, ...] = ()
    by_authority: bool = False
    fails: bool = False
    certificates: tuple[tuple[str, str], ...] = ()
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class HeaderExpectation:
    """What the rules make of headers; names are in lower case.

    `exact` must carry its values and no others, in order; `added` must be among the values, beside what the sender put
    there; `absent` must not appear. Nothing is held of what is `untold`: of its values the format alone is known.
    """

    exact: Headers = ()
    added: Headers = ()
    absent: tuple[str, ...] = ()
    untold: Headers = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """One destination that a route may draw.

    `destination` is `service.namespace[/subset]`; `share` the specified fraction of the route's requests; `workloads`
    the keys (`namespace/name`) of the Deployments behind it; `note` says why it cannot answer, when that is told.
    `host` is its name in full, `port` the Service's port that it is called on, `target` that of its pods (0: not held);
    `request_headers` is what the backend must see, `response_headers` what the client must see of its answers. `status`
    is what the proxy itself answers where no workload can (0 where one can). `hashed_by` is how a hash chooses among
    the pods, and never a destination. `localities` is how they are chosen by where they run; `workloads` are then those
    called while all are well. `tls` is how the proxy speaks TLS to them. `meant` are others that may have been meant.
    """

    destination: str
    share: Fraction
    workloads: frozenset[str]
    location: Location
    note: str = ""
    port: int = 0
    policy: Policy = Policy()
    request_headers: HeaderExpectation = HeaderExpectation()
    response_headers: HeaderExpectation = HeaderExpectation()
    host: str = ""
    status: int = 0
    hashed_by: Hashing | None = None
    localities: Localities | None = None
    tls: Origination | None = None
    meant: str = ""
    target: int = 0

    @property
    def why(self) -> str:
        """Why it cannot answer, with what may have been meant instead."""
        return f"{self.note}: did you mean {self.meant}?" if self.meant else self.note


@dataclass(frozen=True, slots=True)
class Copy:
    """A mirror: `share` of the route's requests is copied to `workloads`; the rest as for an Arm."""

    destination: str
    share: Fraction
    workloads: frozenset[str]
    location: Location
    note: str = ""
    port: int = 0
    policy: Policy = Policy()
    host: str = ""
    localities: Localities | None = None
    target: int = 0


@dataclass(frozen=True, slots=True)
class Redirect:
    """The proxy answers `status` with this Location header."""

    status: int
    target: str


@dataclass(frozen=True, slots=True)
class Abort:
    """The proxy itself answers `status`, with this `grpc_status` if there is one, to this share of the requests."""

    share: Fraction
    status: int
    location: Location
    grpc_status: int | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """This share of the requests is held back for so many seconds."""

    share: Fraction
    seconds: float
    location: Location


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` further tries, each limited to `per_try_timeout` seconds (None: the route's timeout).

    `retry_on` has the conditions in force and the status codes, joined by commas (empty: Istio's default). Pauses
    before tries are drawn up to `back_off` seconds for the first, twice as many for the next, up to ten times as many
    (None: Envoy's 25 ms). `ignore_previous_hosts` is that of the rule (None: unless a hash chooses the pod); with
    `remote_localities` further tries go to the next localities.
    """

    attempts: int
    per_try_timeout: float | None
    retry_on: str
    location: Location
    back_off: float | None = None
    ignore_previous_hosts: bool | None = None
    remote_localities: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """The specification of one request.

    `route` is where the rule stands that decides it (None: no rule, the service's own default);
    `independent` is False when Envoy does not draw per request, with the `dependence` named.
    `status` is the answer that the proxy itself gives (404 where nothing routes), 0 when a
    destination answers.

    `note` says why nothing can answer (no such host, no server on that port), or why the proxy answers itself.
    `refused` tells that there is no answer, because a client gets no further than the `connection` or the TLS
    `handshake`. `path` and `authority` are what the backend sees after a rewrite; `body` and `headers` belong to the
    proxy's own answer; `timeout` is None where the route has none; `retries` None means Istio's default. `looked_at`
    are the rules that were held against the request, in order, the one that decides it last. `dropped` are headers of
    the request (in lower case) that proxies remove or write anew, so that pods need not get them. `allowed_by` are the
    rules of policies that let it in. `undecided` says why it cannot be told what becomes of the request; all else is a
    guess then.
    """

    request: Request
    arms: tuple[Arm, ...]
    route: Location | None = None
    status: int = 0
    independent: bool = True
    dependence: str = ""
    note: str = ""
    refused: str = ""
    path: str = ""
    authority: str = ""
    redirect: Redirect | None = None
    body: str = ""
    headers: HeaderExpectation = HeaderExpectation()
    timeout: float | None = None
    retries: Retries | None = None
    abort: Abort | None = None
    delay: Delay | None = None
    copies: tuple[Copy, ...] = ()
    looked_at: tuple[Location, ...] = ()
    dropped: frozenset[str] = frozenset()
    allowed_by: tuple[Location, ...] = ()
    undecided: str = ""
