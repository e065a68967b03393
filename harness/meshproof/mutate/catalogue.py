"""Every mutation operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.manifest.resource import Resource
from meshproof.mesh.model.index import grouped
from meshproof.mutate.additions.operators import ADDITIONS
from meshproof.mutate.authorization.operators import AUTHORIZATION
from meshproof.mutate.backend_tls.operators import BACKEND_TLS
from meshproof.mutate.change import dropped
from meshproof.mutate.edit import plain
from meshproof.mutate.gateways import GATEWAYS
from meshproof.mutate.http_routes import HTTP_ROUTES, OTHER_ROUTES
from meshproof.mutate.mirrors import MIRRORS
from meshproof.mutate.operator import Around, Mutant, Operator
from meshproof.mutate.policies import POLICY
from meshproof.mutate.resilience import RESILIENCE
from meshproof.mutate.rewriting import REWRITING
from meshproof.mutate.rules import CONNECTIONS, RULES
from meshproof.mutate.service_entries import SERVICE_ENTRIES
from meshproof.mutate.visibility import VISIBILITY
from meshproof.mutate.weights import WEIGHTS

WHOLE = ("",)

OPERATORS: tuple[Operator, ...] = (
    Operator("virtual-service-dropped", "VirtualService", WHOLE, dropped),
    Operator("destination-rule-dropped", "DestinationRule", WHOLE, dropped),
    Operator("gateway-dropped", "Gateway", WHOLE, dropped),
    *WEIGHTS,
    *MIRRORS,
    *RULES,
    *RESILIENCE,
    *REWRITING,
    *POLICY,
    *CONNECTIONS,
    *GATEWAYS,
    *VISIBILITY,
    *SERVICE_ENTRIES,
    *HTTP_ROUTES,
    *OTHER_ROUTES,
    *BACKEND_TLS,
    *AUTHORIZATION,
    *ADDITIONS,
)


def mutants(own: Sequence[Resource], resources: Sequence[Resource]) -> Iterator[Mutant]:
    """Every mutant of the resources `own`, `resources` being all that are in force with them.

    Two operators that make the same edit give one mutant, that of the first.
    """
    around, kinds = Around(tuple(resources)), grouped((one.kind, one) for one in own)
    seen: set[tuple[object, str]] = set()
    for operator in OPERATORS:
        for resource in kinds.get(operator.kind, ()):
            for mutant in operator.mutants(resource, around):
                key = (resource.identity, repr(_plain(mutant.resource)))
                if key not in seen:
                    seen.add(key)
                    yield mutant


def _plain(resource: Resource | None) -> object:
    return None if resource is None else plain(resource.body)
