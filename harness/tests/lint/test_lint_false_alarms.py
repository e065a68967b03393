"""What is as it should be, and looks like a mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}, annotations: {ANNOTATIONS}}
    spec:
      securityContext: {runAsUser: 1337}
      containers: [CONTAINERS]
"""
PROXY = "{name: istio-proxy, image: auto}"
APP = '{name: app, image: "registry.example/app:1"}'
OTHER = '{name: app, image: "registry.example/app:1", securityContext: {runAsUser: 1000}}'
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: cross}
spec:
  selector: {SELECTOR}
  servers:
  - {port: {number: 15443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ["a.example.com"]}
"""
OPERATOR = """\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: gateways, namespace: istio-system}
spec:
  components:
    ingressGateways: [{name: cross, enabled: true, label: {tier: cross}}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: stars}
spec:
  selector: {app: stars}
  ports: [{name: http, port: 80}]
"""


def codes(several: tuple[Finding, ...]) -> set[str]:
    return {one.code for one in several}


@pytest.mark.parametrize(
    ("containers", "annotations", "alarm"),
    [
        (PROXY, "", False),
        (f"{APP}, {PROXY}", "", True),
        (f"{OTHER}, {PROXY}", "", False),
        (APP, "", True),
        (APP, "sidecar.istio.io/inject: 'false'", False),
    ],
)
def test_gateways_run_as_the_proxys_user_for_they_are_proxies(found: Look, containers, annotations, alarm) -> None:
    text = DEPLOYMENT.replace("CONTAINERS", containers).replace("ANNOTATIONS", annotations)
    assert ("MP096" in codes(found(text))) is alarm


@pytest.mark.parametrize(
    ("selector", "alarm"),
    [
        ("istio: eastwestgateway", False),
        ("istio: ingress", False),
        ("app: istio-ingressgateway, istio: ingressgateway", False),
        ("istio: ingresgateway", True),
        ("istio: ingressgateway, app: shop", True),
    ],
)
def test_pods_of_the_usual_installations_are_in_no_folder(found: Look, selector: str, alarm: bool) -> None:
    text = DEPLOYMENT.replace("CONTAINERS", APP).replace("ANNOTATIONS", "") + "---\n"
    assert ("MP050" in codes(found(text + GATEWAY.replace("SELECTOR", selector)))) is alarm


def test_the_service_of_a_gateway_that_istioctl_installs_is_not_among_the_manifests(found: Look) -> None:
    assert not codes(found(f"{OPERATOR}---\n{GATEWAY.replace('SELECTOR', 'tier: cross')}")) & {"MP050", "MP051"}


def test_mutual_tls_towards_the_meshs_own_endpoints_elsewhere_is_no_mistake(found: Look) -> None:
    entry = (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: vm}\nspec:\n  hosts: [vm.example]\n"
        "  location: MESH_INTERNAL\n  resolution: DNS\n  ports: [{number: 80, name: http, protocol: HTTP}]\n"
    )
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: vm}\n"
        "spec: {host: vm.example, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}\n"
    )
    several = found(f"{entry}---\n{rule}")
    assert "MP082" not in codes(several)
    assert any(one.code == "MP005" and "certificate of istiod" in one.message for one in several)


@pytest.mark.parametrize(("namespace", "says"), [("", True), (", namespace: default", False)])
def test_a_service_that_says_no_namespace_may_be_meant_for_another(found: Look, namespace: str, says: bool) -> None:
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: trips}\nspec:\n"
        "  hosts: [a.example.com]\n  http: [{route: [{destination: {host: stars.trips.svc.cluster.local}}]}]\n"
    )
    several = found(SERVICE.replace("name: stars}", f"name: stars{namespace}}}") + "---\n" + rule)
    (one,) = (one for one in several if one.code == "MP017")
    assert one.message.startswith("this means stars.trips, and the Service stars is in default")
    assert ("-n trips" in one.fix) is says


@pytest.mark.parametrize(("name", "code"), [("istio-egressgateway", "MP011"), ("istiod", "MP011"), ("istoid", "MP010")])
def test_services_of_istio_itself_are_in_no_folder(found: Look, name: str, code: str) -> None:
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [stars]\n"
        f"  http: [{{route: [{{destination: {{host: {name}.istio-system.svc.cluster.local}}}}]}}]\n"
    )
    beside = SERVICE.replace("name: stars}", "name: edge, namespace: istio-system}")
    assert code in codes(found(f"{SERVICE}---\n{beside}---\n{rule}"))


def test_a_route_of_the_gateway_api_is_not_told_of_fields_that_it_has_not(found: Look) -> None:
    route = (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec:\n"
        '  parentRefs: [{group: "", kind: Service, name: stars}]\n  rules:\n'
        "  - backendRefs: [{name: stars, port: 80}]\n"
        "    timeouts: {request: 2s, backendRequest: 500ms}\n    retry: {attempts: 2, codes: [503]}\n"
    )
    (one,) = (one for one in found(f"{SERVICE}---\n{route}") if one.code == "MP075")
    assert "retryOn" not in one.message + one.fix
    assert "backendRequest" in one.message
    several = found(f"{SERVICE}---\n{route.replace('name: stars, port: 80', 'name: stars, port: 81')}")
    assert any(one.code == "MP013" and "Envoy answers 500" in one.message for one in several)


PATTERN = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partners}
spec:
  hosts: ['*.partner.example']
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_EXTERNAL
  resolution: NONE
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: partners}
spec:
  hosts: [a.partner.example]
  http: [{route: [{destination: {host: 'AIM'}}]}]
"""


@pytest.mark.parametrize(
    ("aim", "alarm"), [("*.partner.example", False), ("b.partner.example", True), ("b.elsewhere.example", False)]
)
def test_a_destination_finds_no_pattern_of_a_service_entry_but_its_very_name(
    found: Look, aim: str, alarm: bool
) -> None:
    several = [one for one in found(PATTERN.replace("AIM", aim)) if one.code == "MP010"]
    assert bool(several) is alarm
    assert all("only *.partner.example is there" in one.message for one in several)


ALIAS = """\
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {type: ExternalName, externalName: stars.default.svc.cluster.local PORTS}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stars}
spec:
  selector: {matchLabels: {app: stars}}
  template: {metadata: {labels: {app: stars}}, spec: {containers: [{name: app, image: "registry.example/stars:1"}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stars}
spec:
  hosts: [stars]
  http: [{route: [{destination: {host: old}}]}]
---
"""


@pytest.mark.parametrize(
    ("ports", "alarm"), [("", True), (", ports: [{name: http, port: 80}]", False), (", ports: [{port: 81}]", True)]
)
def test_an_external_name_is_a_destination_where_it_has_the_port(found: Look, ports: str, alarm: bool) -> None:
    assert ("MP010" in codes(found(ALIAS.replace(" PORTS", ports) + SERVICE))) is alarm


@pytest.mark.parametrize(("replicas", "alarm"), [("0", True), ("1", False)])
def test_a_subset_whose_pods_are_none_is_empty(found: Look, replicas: str, alarm: bool) -> None:
    pods = ALIAS.partition("---\n")[2].partition("---\n")[0].replace("spec:\n", f"spec:\n  replicas: {replicas}\n", 1)
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: stars}\n"
        "spec: {host: stars, subsets: [{name: a, labels: {app: stars}}]}\n---\n"
    )
    route = ALIAS.rpartition("apiVersion: net")[2].replace("{host: old}", "{host: stars, subset: a}")
    several = found(f"{pods}---\n{rule}apiVersion: net{route}{SERVICE}")
    assert ("MP060" in codes(several)) is alarm


POLICY = """\
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: only}
spec: SPEC
---
"""
DOOR = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
MACHINE = """\
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: machine}
spec: {address: 192.0.2.1, labels: {app: stars}, serviceAccount: machine}
"""


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("{selector: {matchLabels: {service.istio.io/canonical-name: edge}}, rules: [{}]}", "MP115"),
        ("{rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/door-istio]}}]}]}", "MP116"),
        ("{rules: [{from: [{source: {serviceAccounts: [machine]}}]}]}", "MP116"),
    ],
)
def test_labels_and_accounts_that_a_cluster_has_are_none_that_nobody_has(found: Look, spec: str, code: str) -> None:
    pods = DEPLOYMENT.replace("ANNOTATIONS", "").replace("CONTAINERS", APP)
    assert code not in codes(found(pods + DOOR + MACHINE + POLICY.replace("SPEC", spec)))
    wrong = spec.replace("service.istio.io/canonical-name", "tier").replace("door-istio", "d").replace("machine", "m")
    assert code in codes(found(pods + DOOR + MACHINE + POLICY.replace("SPEC", wrong)))
