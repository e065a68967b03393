"""Which requests an Ingress can touch: those of its hosts by the gateways of istiod's own class, else none."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.unmodelled import Asked, Entering, Touches

EDGE = "shop/edge"
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: other, namespace: shop}
spec:
  selector: {istio: other}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {NOTES}}
spec: {SPEC}
---
"""
CLASSES = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: mine}
spec: {controller: istio.io/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: theirs}
spec: {controller: k8s.io/ingress-nginx}
---
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: "SETTINGS"
---
"""
RULES = "rules: [{host: shop.example}]"


def built(spec: str, notes: str = "", more: str = "") -> Built:
    text = GATEWAY + more + INGRESS.replace("NOTES", notes).replace("SPEC", spec)
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


def touched(spec: str, notes: str = "", more: str = "") -> tuple[Touches, ...]:
    return tuple(touch for one in built(spec, notes, more).mesh.unmodelled for touch in one.touches)


UNTOLD = f"ingressClassName: istio, {RULES}"
ISTIO = "kubernetes.io/ingress.class: istio"
NGINX = "kubernetes.io/ingress.class: nginx"


def test_one_of_a_class_that_is_not_among_the_manifests_touches_its_hosts_alone() -> None:
    found = built(UNTOLD)
    assert touched(UNTOLD) == (Asked(("shop.example",), (EDGE,)),)
    assert "no IngressClass istio of istiod's is among these manifests" in found.mesh.unmodelled[0].why
    assert not found.mesh.virtual_services


def test_by_default_one_of_a_class_that_is_not_known_may_be_served() -> None:
    config = CONFIG.replace("SETTINGS", "ingressControllerMode: DEFAULT")
    (one,) = built(f"ingressClassName: nginx, {RULES}", "", config).mesh.unmodelled
    assert one.touches == (Asked(("shop.example",), (EDGE,)),)
    assert "no IngressClass nginx of istiod's" in one.why


@pytest.mark.parametrize(
    ("spec", "notes", "more", "why"),
    [
        (RULES, "", "", "of no class"),
        (RULES, NGINX, "", "of class nginx, and istiod serves istio"),
        (f"ingressClassName: theirs, {RULES}", "", CLASSES, "another controller's"),
        (f"ingressClassName: mine, {RULES}", "", "", "another controller's"),
        (RULES, ISTIO, CONFIG.replace("SETTINGS", "ingressControllerMode: 'OFF'"), "serve no Ingress"),
        (RULES, ISTIO, CONFIG.replace("SETTINGS", "ingressClass: mesh"), "istiod serves mesh"),
    ],
)
def test_what_istiod_does_not_serve_costs_nothing_and_is_told(spec: str, notes: str, more: str, why: str) -> None:
    found = built(spec, notes, more)
    assert not found.mesh.unmodelled
    said = [
        one.message for one in found.notices if one.message.startswith("Ingress shop/web decides no request here: ")
    ]
    assert len(said) == 1
    assert why in said[0]


def test_one_of_gateways_that_are_not_among_the_manifests_is_not_proved() -> None:
    (one,) = built(UNTOLD, "", CONFIG.replace("SETTINGS", "ingressSelector: elsewhere")).mesh.unmodelled
    assert (one.kind, one.touches) == ("Ingress", (Asked(("shop.example",), ("istio-system/elsewhere",)),))


@pytest.mark.parametrize("version", ["extensions/v1beta1", "networking.k8s.io/v1beta1"])
def test_a_version_that_clusters_no_longer_take_is_not_there(version: str) -> None:
    text = GATEWAY + INGRESS.replace("NOTES", ISTIO).replace("SPEC", RULES).replace("networking.k8s.io/v1", version)
    found = build_all(load(["-"], stdin=io.StringIO(text), strict=False))
    assert not found.mesh.unmodelled
    assert any(f"no cluster since Kubernetes 1.22 takes {version} Ingress" in one.message for one in found.notices)


@pytest.mark.parametrize(
    ("spec", "hosts"),
    [
        (f"{RULES[:-2]}}}, {{host: B.example}}]", ("shop.example", "b.example")),
        (f"{RULES}, defaultBackend: {{service: {{name: web, port: {{number: 80}}}}}}", ("shop.example", "*")),
        ("rules: [{http: {paths: []}}]", ("*",)),
        ("rules: nonsense", ("*",)),
    ],
)
def test_hosts(spec: str, hosts: tuple[str, ...]) -> None:
    assert touched(f"ingressClassName: istio, {spec}")[0] == Asked(hosts, (EDGE,))


def test_its_servers_of_tls_touch_what_enters_by_that_port() -> None:
    assert touched(f"{UNTOLD}, tls: [{{secretName: s}}]")[1:] == (Entering(EDGE, 443),)


def test_a_selector_of_the_gateways_pods() -> None:
    settings = CONFIG.replace("SETTINGS", "ingressService: other")
    assert touched(UNTOLD, "", settings) == (Asked(("shop.example",), ("shop/other",)),)
