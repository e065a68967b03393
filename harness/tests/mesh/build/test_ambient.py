"""Ambient mode: requests that ztunnel or a waypoint decides in the place of a sidecar or gateway."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Pods, Role, Sent, Unmodelled

WAYPOINT, ENTERING = "istio.io/use-waypoint: way", 'istio.io/ingress-use-waypoint: "true"'
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}]}
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{group: '', kind: Service, name: web}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec: {action: DENY, rules: [{to: [{operation: {%s}}]}]}
"""
EXTERNAL = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop, labels: {%s}}
spec: {hosts: [out.example.com], resolution: %s, %sports: [{number: 80, name: http, protocol: HTTP}]}
"""
STATIC = ("STATIC", "addresses: [10.1.1.1], endpoints: [{address: 10.2.2.2}], ")
SENDS, RECEIVES = frozenset({Role.SENDS}), frozenset({Role.RECEIVES})


def namespace(labels: str) -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{{labels}}}}}\n"


def web(labels: str = "", more: str = "") -> str:
    metadata = f"{{name: web, namespace: shop, labels: {{{labels}}}}}"
    spec = f"{{selector: {{app: web}}, {more}ports: [{{name: http, port: 80}}]}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\nspec: {spec}\n"


def pods(labels: str = "") -> str:
    template = f"metadata: {{labels: {{app: web, {labels}}}}}, spec: {{containers: [{{name: c, image: c}}]}}"
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: web}}}}, template: {{{template}}}}}
"""


def told(*manifests: str) -> list[Unmodelled]:
    found = build_all(load(["-"], stdin=io.StringIO("---\n".join(manifests)), strict=False)).mesh.unmodelled
    assert not [one for one in found if one.refused]
    return [one for one in found if "ambient" in one.why or "waypoint" in one.why]


@pytest.mark.parametrize(
    "manifests",
    [
        (web(f"{WAYPOINT}, {ENTERING}"),),
        (web(ENTERING), namespace(WAYPOINT)),
        (web(WAYPOINT), namespace(ENTERING)),
        (web(), namespace(f"{WAYPOINT}, {ENTERING}")),
        (web('istio.io/ingress-use-waypoint: "1"'), namespace(WAYPOINT)),
    ],
)
def test_what_enters_by_a_gateway_and_goes_by_a_waypoint_is_told(manifests: tuple[str, ...]) -> None:
    (one,) = told(GATEWAY, *manifests)
    assert one.why == "requests that enter by a gateway go by the waypoint shop/way, which is not modelled"
    assert one.touches == (Sent(("web.shop.svc.cluster.local",), entering=True),)
    assert one.subject == "Service shop/web"


@pytest.mark.parametrize(
    "manifests",
    [
        (web(WAYPOINT),),
        (web(ENTERING),),
        (web(f"{WAYPOINT}, istio.io/ingress-use-waypoint: 'false'"), namespace(ENTERING)),
        (web(f"istio.io/use-waypoint: none, {ENTERING}"), namespace(WAYPOINT)),
        # Such a Service has no address, and a waypoint takes what is sent to one.
        (web(f"{WAYPOINT}, {ENTERING}", "clusterIP: None, "),),
        (EXTERNAL % (f"{WAYPOINT}, {ENTERING}", "DNS", ""),),
    ],
)
def test_what_goes_by_no_waypoint_is_not(manifests: tuple[str, ...]) -> None:
    assert told(GATEWAY, *manifests) == []


def test_a_service_entrys_requests_may_go_by_a_waypoint() -> None:
    (one,) = told(GATEWAY, EXTERNAL % (f"{WAYPOINT}, {ENTERING}", *STATIC))
    assert (one.subject, one.touches) == ("ServiceEntry shop/out", (Sent(("out.example.com",), entering=True),))


AMBIENT = "istio.io/dataplane-mode: ambient"
OFF = "sidecar.istio.io/inject: 'false'"
WEB = ("Deployment shop/web", {"app": "web"})


@pytest.mark.parametrize("rules", [RULE, ROUTE])
def test_what_pods_in_ambient_mode_send_is_told_whatever_rules_there_are(rules: str) -> None:
    (one,) = told(web(), rules, namespace(AMBIENT))
    assert one.touches == (Pods("shop", {}, SENDS),)
    assert told(web(), namespace(AMBIENT)) == []


def test_pods_say_it_themselves() -> None:
    (one,) = told(web(), RULE, pods(AMBIENT))
    assert (one.subject, one.touches) == ("Deployment shop/web", (Pods("shop", {"app": "web", **READ}, SENDS),))


READ = {"istio.io/dataplane-mode": "ambient"}


def test_where_pods_have_a_sidecar_it_goes_before() -> None:
    assert told(web(), RULE, pods(f"{AMBIENT}, sidecar.istio.io/inject: 'true'")) == []
    injected = namespace(f"{AMBIENT}, istio-injection: enabled")
    assert told(web(), RULE, pods(), injected) == []
    (one,) = told(web(), RULE, pods("sidecar.istio.io/inject: 'false'"), injected)
    assert one.touches == (Pods("shop", {"app": "web", "sidecar.istio.io/inject": "false"}, SENDS),)


NO_SIDECAR = "its pods have no sidecar: what they send goes by no rule within the mesh"


def alone(*manifests: str) -> list[tuple[str, Unmodelled]]:
    found = build_all(load(["-"], stdin=io.StringIO("---\n".join(manifests)), strict=False)).mesh.unmodelled
    return [(one.subject, one) for one in found if one.why == NO_SIDECAR]


@pytest.mark.parametrize(
    ("manifests", "subject", "labels"),
    [
        (
            (pods("sidecar.istio.io/inject: 'false'"),),
            "Deployment shop/web",
            {"app": "web", "sidecar.istio.io/inject": "false"},
        ),
        ((pods().replace("spec: {containers", "spec: {hostNetwork: true, containers"),), *WEB),
        ((pods().replace("{labels: {app: web, }}", f"{{labels: {{app: web}}, annotations: {{{OFF}}}}}"),), *WEB),
        ((pods(), namespace("istio-injection: disabled")), "Namespace shop", {}),
    ],
)
def test_what_pods_without_a_sidecar_send_goes_by_no_rule(
    manifests: tuple[str, ...], subject: str, labels: dict[str, str]
) -> None:
    ((called, one),) = alone(web(), RULE, *manifests)
    assert (called, one.touches) == (subject, (Pods("shop", labels, SENDS),))
    assert alone(web(), *manifests) == []


def test_what_has_no_labels_is_no_client_apart() -> None:
    job = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: job, namespace: shop, annotations: {{{OFF}}}}}\n"
    assert alone(web(), RULE, job + "spec: {containers: [{name: c, image: c}]}\n") == []


def test_ztunnel_makes_refusals_of_rules_on_http() -> None:
    (one,) = told(web(), POLICY % "paths: [/private]", namespace(AMBIENT))
    assert one.touches == (Pods("shop", {}, RECEIVES),)
    assert "AuthorizationPolicy shop/closed" in one.why
    assert told(web(), POLICY % "ports: ['81']", namespace(AMBIENT)) == []
