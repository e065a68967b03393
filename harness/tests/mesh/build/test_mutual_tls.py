"""Mutual TLS of the mesh: requests are proved where rules and sidecars fit, and those that cannot connect are told."""

from __future__ import annotations

import pytest
from meshproof.errors import ManifestError
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.peer_authentication import PeerMode, taken
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called, PlainText

POLICY = (
    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: {}, namespace: {}}}\nspec: {{{}}}\n"
)
RULE = (
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: cart, namespace: shop}}\n"
    "spec: {{host: '{}', trafficPolicy: {{{}}}}}\n"
)
SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: web}, {name: http-admin, port: 81}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}LABELS}
    spec: {containers: [{name: a, image: a, ports: [{name: web, containerPort: 8080}]}]}
"""
STRICT, DISABLE = "mtls: {mode: STRICT}", "mtls: {mode: DISABLE}"
MUTUAL, PLAIN = "tls: {mode: ISTIO_MUTUAL}", "tls: {mode: DISABLE}"
CART = "cart.shop.svc.cluster.local"


@pytest.fixture
def mesh(built):
    def of(*texts: str, pods: str = "") -> Mesh:
        return built("---\n".join((SHOP.replace("LABELS", pods), *texts)), proxyless=True).mesh

    return of


def told(mesh: Mesh) -> list[str]:
    """What cannot be reached, without the policies' own, and what such pods send."""
    several = (one for one in mesh.unmodelled if one.topic != Topic.NO_SIDECAR)
    return [one.why for one in several if not any(isinstance(touch, PlainText) for touch in one.touches)]


def test_a_mesh_in_which_all_is_strict_is_proved_but_for_the_clients_that_it_refuses(mesh) -> None:
    found = mesh(POLICY.format("default", "istio-system", STRICT), RULE.format("*.local", MUTUAL))
    assert told(found) == []
    whys = {one.kind: one.why for one in found.unmodelled}
    assert "plain text is refused" in whys["PeerAuthentication"]
    assert "mutual TLS is left out" in whys["DestinationRule"]
    assert {one.touches for one in found.unmodelled} == {(PlainText(""),)}


@pytest.mark.parametrize("mode", ["PERMISSIVE", "UNSET", "DISABLE"])
def test_what_refuses_no_plain_text_has_nothing_left_to_show(mesh, mode: str) -> None:
    assert mesh(POLICY.format("default", "shop", f"mtls: {{mode: {mode}}}")).unmodelled == ()


@pytest.mark.parametrize(
    ("policy", "tls", "ports"),
    [
        (STRICT, PLAIN, [80, 81]),
        (DISABLE, MUTUAL, [80, 81]),
        ("selector: {matchLabels: {app: cart}}, portLevelMtls: {8080: {mode: STRICT}}", PLAIN, [80]),
        ("selector: {matchLabels: {app: cart}}, portLevelMtls: {81: {mode: STRICT}}", PLAIN, [81]),
        (STRICT, f"portLevelSettings: [{{port: {{number: 81}}, {PLAIN}}}]", [81]),
        ("selector: {matchLabels: {app: other}}, mtls: {mode: STRICT}", PLAIN, []),
        (STRICT, MUTUAL, []),
        ("mtls: {mode: PERMISSIVE}", PLAIN, []),
        (DISABLE, PLAIN, []),
    ],
)
def test_a_rule_that_does_not_fit_what_sidecars_take_is_told_for_its_ports(mesh, policy, tls, ports) -> None:
    found = mesh(POLICY.format("own", "shop", policy), RULE.format("cart", tls))
    touched = [touch for one in found.unmodelled for touch in one.touches if isinstance(touch, Called)]
    assert touched == [Called((CART,), port) for port in ports]
    assert all("PeerAuthentication shop/own" in why and "503" in why for why in told(found))


@pytest.mark.parametrize(
    ("label", "tls", "ports"),
    [
        ("service.istio.io/canonical-name: cart", PLAIN, [80, 81]),
        ("service.istio.io/canonical-name: cart", MUTUAL, []),
        ("tier: front", PLAIN, []),
    ],
)
def test_a_policy_by_a_label_that_pods_get_in_a_cluster_may_be_for_them(mesh, label: str, tls: str, ports) -> None:
    policy = f"selector: {{matchLabels: {{{label}}}}}, {STRICT}"
    found = mesh(POLICY.format("own", "shop", policy), RULE.format("cart", tls))
    touched = [touch for one in found.unmodelled for touch in one.touches if isinstance(touch, Called)]
    assert touched == [Called((CART,), port) for port in ports]


@pytest.mark.parametrize(
    "pods",
    [
        ", annotations: {sidecar.istio.io/inject: 'false'}",
        ", annotations: {sidecar.istio.io/inject: 'true'}",
        ", annotations: {sidecar.istio.io/inject: 'no'}",
        "",
    ],
)
def test_mutual_tls_needs_a_sidecar_at_the_other_end(mesh, pods: str) -> None:
    found = told(mesh(RULE.format("cart", MUTUAL), pods=pods))
    assert len(found) == (2 if "'false'" in pods else 0)
    assert all("no sidecar" in why for why in found)


def test_pods_of_a_namespace_that_injects_nothing_have_no_sidecar(mesh) -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n"
    for asking in ("", ", annotations: {sidecar.istio.io/inject: 'true'}"):
        assert len(told(mesh(namespace, RULE.format("cart", MUTUAL), pods=asking))) == 2


@pytest.mark.parametrize(
    ("place", "own", "counts"),
    [("istio-system", PLAIN, False), ("shop", PLAIN, False), ("web", PLAIN, True), ("shop", "", True)],
)
def test_a_rule_for_the_very_host_counts_in_the_place_of_one_for_a_pattern(
    mesh, place: str, own: str, counts: bool
) -> None:
    pattern = RULE.format("*.local", MUTUAL).replace(
        "{name: cart, namespace: shop}", f"{{name: all, namespace: {place}}}"
    )
    exact = [RULE.format("cart", own)] if own else []
    found = told(mesh(pattern, *exact, pods=", annotations: {sidecar.istio.io/inject: 'false'}"))
    assert any("no sidecar" in why for why in found) is counts


def test_a_host_outside_is_not_known_to_have_a_certificate_of_istiod(mesh) -> None:
    entry = (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out, namespace: shop}\n"
        "spec: {hosts: [api.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n"
    )
    (why,) = told(mesh(entry, RULE.format("*", MUTUAL)))
    assert "port 80 of api.example.com" in why


def test_names_that_a_rule_wants_in_certificates_are_not_modelled(mesh) -> None:
    (why,) = told(mesh(RULE.format("cart", "tls: {mode: ISTIO_MUTUAL, subjectAltNames: [a.example]}")))
    assert "not modelled" in why


OUTWARDS = (
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: outwards, namespace: shop}}\n"
    "spec: {{selector: {{app: cart}}, servers: [{{port: {{number: 80, name: https, protocol: HTTPS}}, "
    "hosts: ['{}'], tls: {{mode: ISTIO_MUTUAL}}}}]}}\n"
)


@pytest.mark.parametrize(
    ("served", "fits"), [("", True), ("a.example", True), ("*.example", True), ("*", True), ("b.example", False)]
)
def test_the_name_that_a_rule_asks_for_has_a_server_where_gateways_take_mutual_tls(
    mesh, served: str, fits: bool
) -> None:
    gateway = [OUTWARDS.format(served)] if served else []
    found = told(mesh(RULE.format("cart", "tls: {mode: ISTIO_MUTUAL, sni: a.example}"), *gateway))
    assert [one for one in found if "is for its sni a.example" in one] == ([] if fits else found)
    assert bool(found) is not fits


def test_the_narrower_policy_counts(mesh) -> None:
    several = [
        POLICY.format("default", "istio-system", STRICT),
        POLICY.format("default", "shop", "mtls: {mode: PERMISSIVE}"),
        POLICY.format("own", "shop", f"selector: {{matchLabels: {{app: cart}}}}, {DISABLE}"),
    ]
    policies = mesh(*several).peer_authentications
    for labels, namespace, wanted in (
        ({"app": "cart"}, "shop", PeerMode.DISABLE),
        ({"app": "other"}, "shop", PeerMode.PERMISSIVE),
        ({"app": "cart"}, "elsewhere", PeerMode.STRICT),
    ):
        mode, _ = taken(policies, namespace, labels, 8080)
        assert mode is wanted


def test_of_two_policies_for_a_namespace_the_older_counts(mesh) -> None:
    def aged(name: str, day: int, spec: str) -> str:
        text = POLICY.format(name, "shop", spec)
        return text.replace("namespace: shop", f"namespace: shop, creationTimestamp: '2026-01-0{day}T00:00:00Z'")

    policies = mesh(aged("late", 2, STRICT), aged("early", 1, DISABLE)).peer_authentications
    mode, decisive = taken(policies, "shop", {}, 80)
    assert mode is PeerMode.DISABLE
    assert decisive is not None
    assert decisive.name == "early"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("portLevelMtls: {80: {mode: STRICT}}", "needs a selector"),
        ("selector: {matchLabels: {a: b}}, portLevelMtls: {}", "is empty"),
        ("selector: {matchLabels: {a: b}}, portLevelMtls: {0: {mode: STRICT}}", "0 is no port"),
        ("selector: {matchLabels: {a: b}}, portLevelMtls: {web: {mode: STRICT}}", "web is no port"),
        ("mtls: {mode: strict}", "must be one of"),
        ("mtls: {modes: STRICT}", "did you mean mode"),
    ],
)
def test_what_istiod_refuses(built, spec: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        built(POLICY.format("p", "shop", spec), proxyless=True)
