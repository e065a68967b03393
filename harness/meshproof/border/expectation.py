"""What the manifests say must become of one request."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from meshproof.border.request import Request
from meshproof.errors import Location


@dataclass(frozen=True, slots=True)
class Arm:
    """One destination that a route may draw.

    `destination` is `service.namespace[/subset]`; `share` the specified fraction of the route's
    requests; `workloads` the keys (`namespace/name`) of the Deployments behind it; `note` says why
    the destination cannot answer, when the manifests already tell (an undefined subset, no pods).
    """

    destination: str
    share: Fraction
    workloads: frozenset[str]
    location: Location
    note: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The specification of one request.

    `route` is where the rule stands that decides it (None: no rule, the service's own default);
    `independent` is False when Envoy does not draw per request, with the `dependence` named.
    `status` is the answer that the proxy itself gives (404 where nothing routes), 0 when a
    destination answers.
    """

    request: Request
    arms: tuple[Arm, ...]
    route: Location | None = None
    status: int = 0
    independent: bool = True
    dependence: str = ""
