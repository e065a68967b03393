"""What of the manifests is not read, not modelled, or refused, and which requests it can touch.

Nothing here is a guess about what it would do: a request that something unmodelled can touch is not proved.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.topic import Topic
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.mesh.model.security.authorization import AuthorizationPolicy
    from meshproof.mesh.model.security.network_policy import NetworkPolicy


@dataclass(frozen=True, slots=True)
class Everything:
    """Every request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests that ask for one of these hosts (names in full, or patterns) by one of these gateways.

    `gateways` are `mesh` and `namespace/name`; none: any way in.
    """

    hosts: tuple[str, ...]
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """Requests that ask for, or are sent or copied to, one of these hosts; on one `port` of it, where that is given."""

    hosts: tuple[str, ...]
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Requests that are sent or copied to one of these hosts, which are written so: what asks for them may not be.

    With `entering` those alone that enter by a gateway.
    """

    hosts: tuple[str, ...]
    entering: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """Requests of clients within the mesh whose sidecars have routes to these hosts, whatever they ask for.

    An object of `namespace` makes the routes, and is exported as it says in `export_to`; they stand on these `ports`
    (none: on any).
    """

    hosts: tuple[str, ...]
    namespace: str
    export_to: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests for which the rule at this place is looked at."""

    location: Location


@dataclass(frozen=True, slots=True)
class Decided:
    """Requests that the rule at this place decides."""

    location: Location


class Role(StrEnum):
    """What a pod's proxy does with a request."""

    SENDS = "sends"
    RECEIVES = "receives"
    LETS_IN = "lets in as a gateway"


EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Pods:
    """Requests that pods of a namespace (empty: of any) with these labels meet in one of these roles."""

    namespace: str
    labels: Labels = field(default_factory=dict, hash=False)
    roles: frozenset[Role] = EVERY_ROLE


@dataclass(frozen=True, slots=True)
class Received:
    """Requests that pods of a namespace (empty: of any) with these labels receive, and that a policy may decide.

    Gateways let requests in and receive none.
    """

    namespace: str
    policy: AuthorizationPolicy = field(hash=False)
    labels: Labels = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Bearing:
    """Requests among `those` that carry one of these headers (in lower case) or parameters of a query."""

    those: Touches
    headers: frozenset[str]
    parameters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Guarded:
    """Requests that pods of a namespace with these labels receive, and that none of the policies lets through.

    With `egress` requests that they send as well.
    """

    namespace: str
    labels: Labels = field(hash=False)
    policies: tuple[NetworkPolicy, ...] = field(hash=False)
    egress: bool = False


@dataclass(frozen=True, slots=True)
class Clients:
    """Requests that pods of a namespace (empty: of any) with these labels send; to one `port`, where it is given."""

    namespace: str
    labels: Labels = field(default_factory=dict, hash=False)
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Entering:
    """Requests that enter by a Gateway (`namespace/name`), or by another one for the same pods; on one `port` of it.

    With `alone` its pods are its own: those of no other Gateway of the Gateway API. `hosts` (none: all) are those that
    they ask for, in the handshake or afterwards.
    """

    gateway: str
    port: int | None = None
    alone: bool = False
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainText:
    """Connections of clients without a sidecar to pods of a namespace (empty: of any): no request of the mesh's own."""

    namespace: str


@dataclass(frozen=True, slots=True)
class Unshown:
    """No request: what it does shows in none that is answered."""


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Requests whose Service, host or gateway is among these words: those of a text that cannot be read further."""

    words: frozenset[str] = field(repr=False)


Named = Asked | Called | Sent | Mentioned
Within = Routed | Rule | Decided | Clients
Touches = Everything | Named | Within | Pods | Received | Guarded | Bearing | Entering | PlainText | Unshown
ALL_WAYS_IN = (Asked(("*",)),)
"""All that asks for any host, by whatever way it is sent."""


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """One object, or one field of it, that could decide a request otherwise than predicted.

    `subject` names the object (`EnvoyFilter shop/limits`), `kind` is its kind alone; `why` says what about it
    is not understood, `needs` what it would take (empty where nothing can be said). `refused` tells that the
    API server or istiod would not take the object, so that the input is wrong. `topic` (a Topic, or empty)
    is what kind of thing it is.
    """

    kind: str
    subject: str
    location: Location
    why: str
    touches: tuple[Touches, ...]
    needs: str = ""
    refused: bool = False
    topic: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether the input is wrong: the cluster, or Envoy, does not take it."""
        return self.refused or self.topic == Topic.ENVOY_REFUSES

    @property
    def is_left_out(self) -> bool:
        """Whether a cluster has nothing of the object: of one that is given several times it has one."""
        return self.refused and self.topic != Topic.REPEATED

    def __str__(self) -> str:
        return f"{self.location}: {self.subject}: {self.why}"
