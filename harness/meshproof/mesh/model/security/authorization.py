"""AuthorizationPolicies: which requests the pods that they select let in.

Fields follow https://istio.io/latest/docs/reference/config/security/authorization-policy/.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels
from meshproof.records import dataclass

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
# The pods that Istio's own profiles and charts start.
STOCK = tuple({"app": f"istio-{name}", "istio": name} for name in ("ingressgateway", "egressgateway"))


class Action(StrEnum):
    """What a policy does with the requests that its rules take; `CUSTOM` asks somebody else, `AUDIT` tells somebody."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    CUSTOM = "CUSTOM"
    AUDIT = "AUDIT"


class Attribute(StrEnum):
    """What of a request a condition is about; `IDENTITY` is what its client's certificate says, `CLAIM` its token."""

    HOST = "the host"
    METHOD = "the method"
    PATH = "the path"
    PORT = "the port that the gateway's pods listen on"
    HEADER = "a header"
    SNI = "the name in the handshake"
    ADDRESS = "the client's address"
    DESTINATION = "the gateway's address"
    IDENTITY = "the client's certificate"
    CLAIM = "what its token claims"
    METADATA = "what another filter found out"


@dataclass(frozen=True, slots=True)
class Condition:
    """A request has one of `values` (none given: any), and none of `not_values`.

    `key` is the attribute's name in `when` (`request.headers[x-token]` has the `name` x-token).
    """

    attribute: Attribute
    key: str
    values: tuple[str, ...]
    not_values: tuple[str, ...]
    location: Location
    name: str = ""


Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AuthorizationRule:
    """Any of `sources` and any of `operations` (none given: all requests), each with all its conditions."""

    sources: tuple[Conditions, ...]
    operations: tuple[Conditions, ...]
    when: Conditions
    location: Location


@dataclass(frozen=True, slots=True)
class AuthorizationPolicy:
    """`selector` None: all pods; `targets` are the Gateways of the Gateway API that it names instead (None: none).

    One that is a `dry_run` decides nothing.
    """

    name: str
    namespace: str
    action: Action
    rules: tuple[AuthorizationRule, ...]
    location: Location
    selector: Labels | None = None
    targets: tuple[str, ...] | None = None
    dry_run: bool = False

    @property
    def decides(self) -> bool:
        """Whether it lets in or refuses anything: an audit tells of requests, and a dry run of what it would do."""
        return not self.dry_run and self.action is not Action.AUDIT

    @property
    def places(self) -> tuple[Location, ...]:
        """Where its rules stand; of one without rules, which allows nothing, where it stands itself."""
        return tuple(one.location for one in self.rules) or (self.location,)


def known_labels(labels: Labels) -> Mapping[str, str]:
    """The labels of the pods that a Gateway selects by these, those of Istio's own gateways included."""
    stock = next((one for one in STOCK if labels and labels.items() <= one.items()), {})
    return {**stock, **labels}


def is_near(policy: AuthorizationPolicy, namespace: str) -> bool:
    """Whether a policy may select pods of a namespace."""
    return policy.namespace in (ROOT_NAMESPACE, namespace)
