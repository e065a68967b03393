"""What is said of the proxies of some pods alone: by their annotation, and by ProxyConfigs."""

from __future__ import annotations

import pytest
from meshproof.mesh.model.unmodelled import EVERY_ROLE, Called, Pods, Role

PODS = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: edge, namespace: istio-ingress}}
spec:
  selector: {{matchLabels: {{istio: ingressgateway}}}}
  template:
    metadata:
      labels: {{istio: ingressgateway}}
      annotations:
        proxy.istio.io/config: |
          {config}
    spec: {{containers: [{{name: istio-proxy, image: auto}}]}}
"""
INSTALLED = """\
---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {{name: gateways}}
spec:
  profile: empty
  components:
    ingressGateways:
    - name: edge
      namespace: istio-ingress
      k8s: {{podAnnotations: {{proxy.istio.io/config: '{config}'}}}}
"""
CONFIG = """\
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {{name: own}}
spec: {{selector: {{matchLabels: {{app: greeter}}}}, concurrency: 0, environmentVariables: {{{variables}}}}}
"""
OUTSIDE = """\
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one}
spec: {hosts: [one.example.com], ports: [{number: 3306, name: tcp, protocol: TCP}], resolution: DNS}
"""
TOPOLOGY = '{"gatewayTopology": {"numTrustedProxies": 2}, "concurrency": 2}'


@pytest.mark.parametrize("manifest", [PODS, INSTALLED])
def test_a_gateways_topology_costs_what_its_pods_let_in(built, manifest: str) -> None:
    found = [one for one in built(manifest.format(config=TOPOLOGY)).mesh.unmodelled if "gatewayTopology" in one.why]
    ((touched,),) = [one.touches for one in found]
    assert (touched.namespace, touched.labels["istio"]) == ("istio-ingress", "ingressgateway")
    assert touched.roles == {Role.LETS_IN}


def test_what_else_is_not_known_costs_all_that_the_pods_meet(built) -> None:
    (one,) = built(PODS.format(config="proxyHeaders: {server: {disabled: true}}")).mesh.unmodelled
    assert one.why == "proxyHeaders of proxy.istio.io/config is not modelled"
    assert one.touches == (Pods("istio-ingress", {"istio": "ingressgateway"}, EVERY_ROLE),)


@pytest.mark.parametrize("config", ["not: [", "''"])
def test_what_cannot_be_read_costs_all_that_the_pods_meet(built, config: str) -> None:
    (one,) = built(PODS.format(config=config)).mesh.unmodelled
    assert one.why == "proxy.istio.io/config is no YAML mapping: whether its pods start is not known"
    assert one.touches == (Pods("istio-ingress", {"istio": "ingressgateway"}, EVERY_ROLE),)


@pytest.mark.parametrize("config", ["{holdApplicationUntilProxyStarts: true, proxyMetadata: {A: b}}", ""])
def test_how_a_proxy_runs_costs_nothing(built, config: str) -> None:
    assert not built(PODS.format(config=config)).mesh.unmodelled


@pytest.mark.parametrize(
    ("variables", "touched"),
    [
        ("GODEBUG: x, ISTIO_META_DNS_CAPTURE: 'false'", []),
        ("ISTIO_META_DNS_CAPTURE: 'true'", [(Called(("one.example.com",), 3306),)]),
        ("ISTIO_META_HTTP10: '1'", [(Pods("default", {"app": "greeter"}),)]),
    ],
)
def test_variables_of_a_proxy_config_cost_what_they_touch(built, variables: str, touched: list[object]) -> None:
    several = built(OUTSIDE + CONFIG.format(variables=variables)).mesh.unmodelled
    assert [one.touches for one in several if one.kind == "ProxyConfig"] == touched


def test_a_proxy_config_without_variables_decides_nothing(built) -> None:
    made = built(CONFIG.replace(", environmentVariables: {{{variables}}}", "").format())
    assert not made.mesh.unmodelled


@pytest.mark.parametrize(
    ("templates", "told"),
    [("grpc-agent", 1), ("grpc-simple", 1), ("own, other", 1), ("", 1), ("gateway", 0), ("own, sidecar", 0)],
)
def test_pods_without_an_envoy_cost_all_that_they_meet(built, templates: str, told: int) -> None:
    config = "proxy.istio.io/config: |\n          {config}"
    found = built(PODS.replace(config, f"inject.istio.io/templates: '{templates}'").format()).mesh.unmodelled
    assert [one.touches for one in found] == [(Pods("istio-ingress", {"istio": "ingressgateway"}, EVERY_ROLE),)] * told
    assert all(one.why.startswith("inject.istio.io/templates names no template with an Envoy") for one in found)
