"""The destinations of a route and their weights, as istiod judges them.

Istio 1.9.5 refuses several weights whose sum is not 100 ("total destination weight 90 != 100"). Since
1.12 istiod takes any sum above 0 and Envoy draws in proportion; a sum of 0 it refuses ("total
destination weight = 0"). The weight of a lone destination does not count. (pkg/config/validation.)
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.build.rules.headers import header_changes
from meshproof.mesh.build.visibility import LABEL
from meshproof.mesh.model import names
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import Destination, RouteDestination

# As istiod has it, which refuses dots and underscores.
SUBSET_NAME = "letters, digits and '-' with a letter or digit at its ends, at most 63"


def destination(value: Value, namespace: str) -> Destination:
    """A host, with its subset and port where they are given."""
    host = value.need("host", "the Service to send to")
    resolved = names.host(host, namespace, as_written=True)
    if resolved == "*":
        raise host.problem("a destination cannot be *", "name the Service to send to")
    subset, port = value.get("subset"), value.get("port")
    if subset and subset.text() and not LABEL.fullmatch(subset.text()):
        raise subset.problem(f"{subset.shown} is no name of a subset", SUBSET_NAME)
    number = port.need("number").whole(1, LARGEST_PORT) if port else None
    return Destination(resolved, subset.text() if subset else "", number, value.location)


def destinations(value: Value, namespace: str, findings: Findings) -> tuple[RouteDestination, ...]:
    """The field `route`."""
    several = tuple(_one(item, namespace) for item in value.items())
    total = sum(one.weight for one in several)
    if len(several) < 2 or total == 100:
        return several
    if total == 0:
        raise value.problem(
            "the weights of this route sum to 0",
            "istiod refuses it (total destination weight = 0): give each destination a weight, 100 together",
        )
    if total > 2**32 - 1:
        raise value.problem(f"the weights of this route sum to {total}, more than Envoy takes", "let them sum to 100")
    findings.notice(
        value.key or value.location,
        f"the weights of this route sum to {total}, not 100: current istiod takes them in proportion; "
        f"Istio 1.9.5 refuses them (total destination weight {total} != 100)",
        Topic.WEIGHTS,
    )
    return several


def _one(value: Value, namespace: str) -> RouteDestination:
    weight = value.get("weight")
    if weight and isinstance(weight.data, int) and weight.data < 0:
        raise weight.problem(f"weight must not be negative, not {weight.shown}", "a weight of 0 sends nothing")
    return RouteDestination(
        destination(value.need("destination", "where to send to"), namespace),
        weight.whole() if weight else 0,
        header_changes(value.get("headers")),
        value.location,
    )
