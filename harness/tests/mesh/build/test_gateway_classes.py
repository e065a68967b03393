"""GatewayClasses: whose Gateways are istiod's, and what it leaves to waypoints of others."""

from __future__ import annotations

import pytest
from gateway_manifests import ATTACHED, HTTP, built, gateway, route
from meshproof.mesh.model.unmodelled import Asked, Entering
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

WEB = "web.shop.svc.cluster.local"
TO_WEB = "{group: '', kind: Service, name: web, namespace: shop}"
OUT = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: shop, labels: {istio.io/use-waypoint: public}}
spec: {hosts: [out.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
"""


def of_class(controller: str, name: str = "edge") -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {name}}}
spec: {{controllerName: {controller}}}
"""


def test_a_class_of_istiods_controller_is_served_as_its_own() -> None:
    made = built(gateway(HTTP, more="gatewayClassName: edge"), of_class("istio.io/gateway-controller"), route()).mesh
    assert made.unmodelled == ()
    (one,) = made.gateways
    assert one.selector["gateway.networking.k8s.io/gateway-class-name"] == "edge"
    assert [each.gateways for each in made.virtual_services] == [("infra/public/http",)]


@pytest.mark.parametrize(
    "controller", ["acme.example/gateways", "istio.io/mesh-controller", "istio.io/unmanaged-gateway"]
)
def test_a_class_of_another_controller_is_told(controller: str) -> None:
    made = built(gateway(HTTP, more="gatewayClassName: edge"), of_class(controller)).mesh
    assert [one.why for one in made.unmodelled] == ["a Gateway of class edge is not modelled"]
    assert made.gateways == ()


def test_istiods_own_class_is_its_own_whatever_the_object_of_that_name_says() -> None:
    assert len(built(gateway(HTTP), of_class("acme.example/gateways", "istio")).mesh.gateways) == 1


def test_what_is_refused_of_a_gateway_of_such_a_class_is_told() -> None:
    listener = "name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}"
    made = built(gateway(listener, more="gatewayClassName: edge"), of_class("istio.io/gateway-controller")).mesh
    (one,) = made.unmodelled
    assert one.refused
    assert "terminates TLS" in one.why
    assert one.touches == (Entering("infra/public", alone=True),)


def labelled(kind: str, name: str, labels: str) -> str:
    if kind == "Namespace":
        return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"
    spec = f"selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]"
    metadata = f"{{name: {name}, namespace: shop, labels: {{{labels}}}}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\nspec: {{{spec}}}\n"


WAYPOINT = "istio.io/use-waypoint: public, istio.io/use-waypoint-namespace: infra"
OTHERS = gateway(HTTP, more="gatewayClassName: edge")


@pytest.mark.parametrize(
    ("manifests", "left"),
    [
        ([labelled("Service", "own", WAYPOINT), of_class("acme.example/waypoints")], True),
        # Whose it is a class says that may be in the cluster.
        ([labelled("Service", "own", WAYPOINT)], True),
        ([labelled("Service", "own", WAYPOINT), of_class("istio.io/mesh-controller")], False),
        ([labelled("Service", "own", WAYPOINT), of_class("istio.io/gateway-controller")], False),
        ([labelled("Service", "own", "istio.io/use-waypoint: public")], False),
        ([labelled("Service", "own", "a: b"), labelled("Namespace", "shop", WAYPOINT)], True),
        ([labelled("Service", "own", "istio.io/use-waypoint: none"), labelled("Namespace", "shop", WAYPOINT)], False),
        ([labelled("Service", "own", "a: b")], False),
    ],
)
def test_routes_of_a_service_with_a_waypoint_of_others_may_not_be_sidecars(manifests: list[str], *, left: bool) -> None:
    to_own = route(parent=TO_WEB.replace("web", "own"))
    found = [one for one in built(OTHERS, *manifests, to_own).mesh.unmodelled if one.kind == "HTTPRoute"]
    assert [one.touches for one in found] == [(Asked(("own.shop.svc.cluster.local",), (MESH_GATEWAY,)),)] * left


def test_of_a_service_entry_too() -> None:
    parent = "{group: networking.istio.io, kind: ServiceEntry, name: out, namespace: shop}"
    place = OTHERS.replace("namespace: infra", "namespace: shop")
    found = [one for one in built(place, OUT, route(parent=parent)).mesh.unmodelled if one.kind == "HTTPRoute"]
    assert [one.touches for one in found] == [(Asked(("out.example.com",), (MESH_GATEWAY,)),)]


EXTENDED = route(hosts="a.org").replace(
    "rules: [{", "rules: [{filters: [{type: ExtensionRef, extensionRef: {group: x.example, kind: Limit, name: l}}], "
)
OF_EDGE = gateway(HTTP, more="gatewayClassName: edge")
SET = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more, namespace: infra}
spec: {parentRef: {name: public}, listeners: [{name: h, port: 81, protocol: HTTP}]}
"""
TO_SET = EXTENDED.replace("{name: public,", "{group: gateway.networking.k8s.io, kind: ListenerSet, name: more,")


@pytest.mark.parametrize(
    ("manifests", "refused"),
    [
        ((gateway(HTTP), EXTENDED), True),
        ((OF_EDGE, of_class("istio.io/gateway-controller"), EXTENDED), True),
        ((OF_EDGE, of_class("acme.example/gateways"), EXTENDED), False),
        # Whose it is a class says that may be in the cluster.
        ((OF_EDGE, EXTENDED), False),
        ((EXTENDED,), False),
        ((EXTENDED.replace(ATTACHED, f"{ATTACHED}, {TO_WEB}"),), True),
        ((gateway(HTTP), SET, TO_SET), True),
        ((OF_EDGE, SET, TO_SET), False),
    ],
)
def test_what_istiod_does_not_take_counts_where_a_parent_is_its_own(manifests: tuple[str, ...], refused: bool) -> None:
    made = built(*manifests).mesh
    told = [one for one in made.unmodelled if "takes no filter" in one.why]
    assert [one.refused for one in told] == [True] * refused
    assert not [one for one in made.unmodelled if one.refused and one not in told]
    assert not [one for one in made.virtual_services if one.namespace == "shop"]
