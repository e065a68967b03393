"""What changes for requests is found and said once; what is written otherwise and means the same is no change."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.diff.comparison import Comparison, compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load

SHOP = Path(__file__).parents[3] / "examples/shop"
ROUTING, RULES, GATEWAY, APPS = "routing.yaml", "destinations.yaml", "gateway.yaml", "apps.yaml"
MIRROR = "      mirror: {host: recommendations, subset: v2}\n      mirrorPercentage: {value: 100}\n"
BETA = '    - match:\n        - headers:\n            x-beta:\n              exact: "yes"\n'
BETA += "      route:\n        - destination: {host: reviews, subset: beta}\n"
STABLE = "    - route:\n        - destination: {host: reviews, subset: stable}\n"
FULL = "{host: catalog.shop.svc.cluster.local, subset: v1}"
SPELLED = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (
            [(ROUTING, "weight: 95", "weight: 50"), (ROUTING, "weight: 5\n", "weight: 50\n")],
            "all of catalog.shop: catalog.shop/v1 95 %, catalog.shop/v2 5 % → catalog.shop/v1 50 %, "
            "catalog.shop/v2 50 % (new/routing.yaml:10:7)",
        ),
        (
            [(ROUTING, BETA + STABLE, STABLE + BETA)],
            "GET / with x-beta: yes (and 3 more alike) at reviews.shop: reviews.shop/beta 100 % → "
            "reviews.shop/stable 100 % (new/routing.yaml:29:7 now takes it, old/routing.yaml:29:7 did)",
        ),
        (
            [(ROUTING, "timeout: 2s", "timeout: 3s")],
            "timeout of all of payments.shop: 2 s → 3 s (new/routing.yaml:59:7)",
        ),
        (
            [(RULES, "baseEjectionTime: 1s", "baseEjectionTime: 90s")],
            "outlierDetection.baseEjectionTime of all of payments.shop: 1 s → 90 s (new/destinations.yaml:55:7)",
        ),
        (
            [(ROUTING, MIRROR, "")],
            "mirrors of all of recommendations.shop: recommendations.shop/v2 100 % → none (new/routing.yaml:46:7)",
        ),
        (
            [(RULES, "maxConnections: 20", "maxConnections: 2")],
            "connectionPool.maxConnections of all of payments.shop: 20 → 2 (new/destinations.yaml:50:7)",
        ),
        (
            [(RULES, "    - name: beta\n      labels: {version: v2}", "    - name: beta\n      labels: {version: v3}")],
            "GET / with x-beta: yes (and 3 more alike) at reviews.shop: reviews.shop/beta 100 % → reviews.shop/beta "
            "(no pod stands behind reviews.shop, subset beta: Envoy answers 503) 100 % (new/routing.yaml:29:7)",
        ),
        (
            [(GATEWAY, "        - api.example.com\n", "")],
            "POST /checkout (and 3 more alike) at api.example.com by Gateway shop/entry: checkout.shop 100 % → "
            "404 by the proxy (no rule takes it any more, old/gateway.yaml:76:7 did)",
        ),
        (
            [(GATEWAY, "DENY", "SAMEORIGIN")],
            "headers of the answer of GET / (and 24 more alike) at shop.example.com by Gateway shop/entry: "
            "x-frame-options: DENY → x-frame-options: SAMEORIGIN (new/gateway.yaml:45:7)",
        ),
        (
            [
                (
                    ROUTING,
                    '              exact: "yes"\n',
                    '              exact: "yes"\n          sourceLabels: {app: web}\n',
                )
            ],
            "GET / with x-beta: yes (and 3 more alike) at reviews.shop: reviews.shop/beta 100 % → "
            "reviews.shop/stable 100 % (new/routing.yaml:36:7 now takes it, old/routing.yaml:29:7 did)",
        ),
        (
            [(APPS, "  name: cart\n  namespace: shop\n  labels: {app: cart}\n", "  name: kart\n  namespace: shop\n")],
            "all of cart.shop: cart.shop 100 % → 502 by the proxy "
            "(no Service and no VirtualService is called cart.shop)",
        ),
    ],
)
def test_a_change_is_found_with_what_it_changes(told, edits, line: str) -> None:
    assert line in told(*edits)


@pytest.mark.parametrize(
    "edits",
    [
        [(ROUTING, "hosts: [catalog]", "hosts: [catalog.shop.svc.cluster.local]")],
        [(ROUTING, "{host: catalog, subset: v1}", FULL)],
        [
            (
                ROUTING,
                "    - timeout: 2s\n",
                f"    - timeout: 2s\n      retries: {{attempts: 2, retryOn: '{SPELLED}'}}\n",
            )
        ],
        [(RULES, "name: stable", "name: firm"), (ROUTING, "subset: stable", "subset: firm")],
        [(ROUTING, "weight: 95", "weight: 19"), (ROUTING, "weight: 5\n", "weight: 1\n")],
        [(ROUTING, STABLE, STABLE + "    - match: [{uri: {exact: /never}}]\n      directResponse: {status: 418}\n")],
    ],
)
def test_the_same_in_other_words_is_no_change(changed, edits) -> None:
    found = changed(*edits)
    assert found.is_same
    assert found.objects > 0
    assert found.tried > 0


def test_comments_and_places_are_not_even_searched(changed, told) -> None:
    found = changed((ROUTING, "# What", "# A line more\n\n# What"))
    assert (found.is_same, found.objects, found.tried) == (True, 0, 0)


def test_only_what_differs_is_searched(changed) -> None:
    found = changed((ROUTING, "timeout: 2s", "timeout: 3s"))
    assert {one.host for one in found.changes} == {"payments.shop"}
    assert found.tried < 10


def test_each_rule_that_no_other_shadows_is_seen_when_it_is_taken_out(changed) -> None:
    orders = "    - match:\n        - uri:\n            prefix: /invoices/\n          method:\n            exact: GET\n"
    orders += "      rewrite:\n        uri: /documents/\n      route:\n        - destination: {host: orders}\n"
    found = changed((ROUTING, orders, ""))
    (path, retries) = sorted(found.changes, key=lambda one: one.about)
    assert (path.about, path.old, path.new) == ("path", "/documents/", "/invoices/")
    assert retries.about == "retries"


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (
            ("more.yaml", "", "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: x}\n"),
            "  EnvoyFilter default/x is new, and not understood: networking.istio.io/v1alpha3 EnvoyFilter "
            "is not modelled (new/more.yaml:1:1)",
        ),
        (
            ("more.yaml", "", "a: ["),
            "  a document is new, and a cluster would not take it: this is not YAML: while parsing a flow node, "
            "did not find expected node content (new/more.yaml:2:1)",
        ),
        (
            (ROUTING, "weight: 95", "weight: -1"),
            "  VirtualService shop/catalog is changed, and a cluster would not take it: weight must not be negative, "
            "not -1 (new/routing.yaml:17:19)",
        ),
    ],
)
def test_what_is_not_understood_and_differs_is_told_and_never_no_change(told, changed, edit, line: str) -> None:
    lines = told(edit)
    assert line in lines
    assert "no change for" not in lines[-1]


def test_what_is_not_understood_and_stays_is_told_where_requests_depend_on_it(told, tmp_path) -> None:
    pool = "  trafficPolicy:\n    connectionPool:"
    with_tls = "  trafficPolicy:\n    tls: {mode: SIMPLE, caCrl: /crl}\n    connectionPool:"
    lines = told((RULES, pool, with_tls), (ROUTING, "timeout: 2s", "timeout: 3s"))
    assert any("tls is not modelled" in line for line in lines)


def test_what_one_side_really_has_is_not_stood_in_for_on_the_other(told) -> None:
    lines = told((APPS, "kind: Deployment\nmetadata:\n  name: cart\n", "kind: ConfigMap\nmetadata:\n  name: cart\n"))
    assert any("no pod stands behind cart.shop" in line for line in lines)


PODS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: c, image: example/a}]}
---
"""
ALONE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a], http: [{route: [{destination: {host: a}}]}]}
---
"""
SERVED = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
SERVED += "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}\n---\n"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (SERVED + PODS.replace("NAME", "other") + ALONE, SERVED + ALONE, "(no pod stands behind a.default"),
        (SERVED + PODS.replace("NAME", "a") + ALONE, ALONE, "502 by the proxy"),
        (ALONE, SERVED + PODS.replace("NAME", "a") + ALONE, "502 by the proxy"),
        (ALONE, ALONE, "the manifests say the same"),
    ],
)
def test_what_stands_in_does_so_on_both_sides_or_on_none(old: str, new: str, line: str) -> None:
    both = sides(*(load(["-"], stdin=io.StringIO(text), strict=False) for text in (old, new)))
    assert any(line in each for each in text(compare(*both, "default")))


def test_of_routing_alone_services_and_pods_stand_in_on_both_sides(told) -> None:
    lines = told((ROUTING, "{host: orders}", "{host: checkout}"), only=(ROUTING,))
    assert any("orders.shop 100 % → checkout.shop 100 %" in line for line in lines)
    assert not any("503" in line for line in lines)


def test_what_configures_the_whole_mesh_is_searched_everywhere(told) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
    config += "  mesh: |-\n    defaultHttpRetryPolicy: {attempts: 5}\n    serviceSettings: [{settings: {}}]\n"
    lines = told(("mesh.yaml", "", config))
    assert any(line.startswith("retries of all of cart.shop: 2 on Istio's default → 5 on") for line in lines)


def test_a_port_whose_name_changes_the_protocol_to_its_pods(told) -> None:
    lines = told(("apps.yaml", "name: http", "name: http2"))
    assert any("protocol to pods" in line and "HTTP/1.1 → HTTP/2" in line for line in lines)


def test_a_policy_at_a_gateway_changes_what_enters_by_it(told) -> None:
    policy = (
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: istio-system}\n"
    )
    policy += "spec: {selector: {matchLabels: {istio: ingressgateway}}, action: DENY, "
    policy += "rules: [{to: [{operation: {paths: [/cart/*]}}]}]}\n"
    lines = told(("more.yaml", "", policy))
    assert any(
        "at shop.example.com by Gateway shop/entry: cart.shop 100 % → 403" in line and "new/more.yaml" in line
        for line in lines
    )


def test_what_is_given_twice_on_both_sides_is_the_same_wherever_that_is(changed, tmp_path) -> None:
    again = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
    for name in ("old", "new"):
        (tmp_path / f"{name}.yaml").write_text(again)
    both = [load([str(SHOP), str(tmp_path / f"{name}.yaml")], strict=False) for name in ("old", "new")]
    found = compare(*sides(*both), "default")
    assert (found.opaque, found.objects, found.is_same) == ((), 0, True)
    (tmp_path / "new.yaml").write_text(again.replace("80", "81"))
    both[1] = load([str(SHOP), str(tmp_path / "new.yaml")], strict=False)
    assert not compare(*sides(*both), "default").is_same


def test_where_the_pods_of_a_gateway_run_decides_what_it_sees() -> None:
    shop = "---\n".join((SHOP / name).read_text() for name in (APPS, GATEWAY))
    shop = shop.replace("  gateways: [entry]\n", "  gateways: [entry]\n  exportTo: ['.']\n")
    pods = PODS.replace("{name: NAME}", "{name: entry, namespace: PLACE}").replace("app: a", "istio: ingressgateway")
    both = (f"{pods.replace('PLACE', place)}{shop}" for place in ("shop", "edge"))
    old, new = (load(["-"], stdin=io.StringIO(whole), strict=False) for whole in both)
    lines = list(text(compare(*sides(old, new), "default")))
    assert any("at shop.example.com by Gateway shop/entry: cart.shop 100 % → 404 by the proxy" in one for one in lines)


BROKEN = "kind: VirtualService\nspec: {weights: {v1: 10, v2: 90}\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: shop\n"


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        # The same words, and the same fault at the same place.
        (BROKEN, BROKEN.replace("v1", "v3").replace("v2", "v1").replace("v3", "v2"), "a document is new"),
        ("a: \xff 1 2", "a: \xff 2 1", "a document is new"),
        ("kind: A 1 2", "kind: A 2 1", "a document is new"),
        (KUSTOMIZATION, KUSTOMIZATION.replace("shop", "prod"), "more.yaml is changed"),
        ("replicas: 1", "replicas: 2", "more.yaml is changed"),
        ("", "replicas: 2", "more.yaml is new"),
    ],
)
def test_two_texts_that_are_not_read_are_the_same_only_where_they_say_the_same(old: str, new: str, how: str) -> None:
    good = SHOP.joinpath("apps.yaml").read_bytes()

    def compared(*several: str) -> Comparison:
        files = ([("apps.yaml", good), ("more.yaml", one.encode("latin-1"))] for one in several)
        return compare(*sides(*(load([], strict=False, contents=one) for one in files)), "default")

    assert any(line.startswith(f"  {how}, ") for line in text(compared(old, new)))
    assert compared(old, old).is_same
    assert compared(new, new).is_same


ALIAS = """\
apiVersion: v1
kind: Service
metadata: {name: old, namespace: shop}
spec: {type: ExternalName, externalName: reviews.shop.svc.cluster.local}
"""


def test_what_a_name_stands_for_is_a_change(changed) -> None:
    lines = text(changed(("alias.yaml", "", ALIAS)))
    assert any(line.startswith("all of old.shop: ") and "reviews.shop" in line for line in lines)
