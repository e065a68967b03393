"""What a cluster says is not in force is not proved."""

from __future__ import annotations

import pytest
from meshproof.mesh.build.unmodelled.conditions import CONTROLLER
from shop_manifests import CART, NEW, PAY, of

ROUTE = "{parentRefs: [{kind: Service, group: '', name: pay}], rules: [{backendRefs: [{name: pay, port: 80}]}]}"


def route(conditions: str, controller: str = CONTROLLER) -> str:
    status = f"parents: [{{controllerName: {controller}, parentRef: {{name: pay}}, conditions: [{conditions}]}}]"
    return of("HTTPRoute", ROUTE, group="gateway.networking.k8s.io/v1") + f"status: {{{status}}}\n"


@pytest.mark.parametrize(
    ("document", "touches"),
    [
        (route(""), []),
        (route("{type: Accepted, status: 'True'}"), []),
        (route("{type: Accepted, status: 'False', reason: NotAllowedByListeners}"), [PAY]),
        (route("{type: Accepted, status: 'True'}, {type: ResolvedRefs, status: 'False'}"), [PAY]),
        (route("{type: Programmed, status: 'False'}"), []),
        (route("{type: Accepted, status: 'False'}", "example.com/other"), []),
        (route("{type: Accepted}, 7"), []),
    ],
)
def test_requests_of_a_route_that_is_not_in_force_are_not_proved(touched, document: str, touches: list[str]) -> None:
    assert [one for one in (CART, NEW, PAY) if "HTTPRoute" in touched(document, one)] == touches
