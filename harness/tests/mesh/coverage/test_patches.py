"""EnvoyFilters: what their patches can change, by the side of a proxy that they name."""

from __future__ import annotations

import pytest
from shop_manifests import CART, EDGE, NETWORKING, NEW, PAY, of


@pytest.mark.parametrize(
    ("contexts", "namespace", "touches", "spares"),
    [
        (["GATEWAY"], "istio-system", [EDGE], [CART, PAY, NEW]),
        (["GATEWAY"], "shop", [], [CART, PAY, NEW, EDGE]),
        (["SIDECAR_OUTBOUND"], "istio-system", [CART, PAY, NEW], [EDGE]),
        (["SIDECAR_OUTBOUND"], "default", [CART, PAY, NEW], [EDGE]),
        (["SIDECAR_OUTBOUND"], "shop", [], [CART, PAY, NEW, EDGE]),
        (["SIDECAR_INBOUND"], "shop", [CART, PAY, NEW, EDGE], []),
        (["SIDECAR_INBOUND"], "default", [], [CART, PAY, NEW, EDGE]),
        (["GATEWAY", "SIDECAR_OUTBOUND"], "istio-system", [CART, PAY, NEW, EDGE], []),
        (["ANY"], "shop", [CART, PAY, NEW, EDGE], []),
        ([""], "shop", [CART, PAY, NEW, EDGE], []),
    ],
)
def test_a_patch_costs_what_meets_its_side_of_a_proxy(
    touched, contexts: list[str], namespace: str, touches: list[str], spares: list[str]
) -> None:
    patches = ", ".join(
        f"{{applyTo: HTTP_FILTER, match: {{{f'context: {one}' if one else ''}}}, patch: {{operation: REMOVE}}}}"
        for one in contexts
    )
    document = of("EnvoyFilter", f"{{configPatches: [{patches}]}}", group=NETWORKING, namespace=namespace)
    assert {one: bool(touched(document, one)) for one in (*touches, *spares)} == {
        **dict.fromkeys(touches, True),
        **dict.fromkeys(spares, False),
    }


def test_a_patch_of_what_a_proxy_starts_with_costs_all_that_it_meets(touched) -> None:
    patch = "{applyTo: BOOTSTRAP, match: {context: GATEWAY}, patch: {operation: MERGE}}"
    document = of("EnvoyFilter", f"{{configPatches: [{patch}]}}", group=NETWORKING)
    assert all(touched(document, one) for one in (CART, PAY, NEW, EDGE))
