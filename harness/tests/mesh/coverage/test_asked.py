"""A request that is named is held against the same documents, however they are written, as if all were read."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.manifest.documents.unread import unread
from meshproof.mesh.coverage.asked import asked

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: routes}
spec: {hosts: [web], http: [{route: [{destination: {host: web}}], mirror: {host: HOST}}]}
---
"""
STOCK = """apiVersion: v1
kind: Service
metadata:
  name: stock
spec: {selector: {app: stock}, ports: [{name: http, port: 80}]}
"""
RULE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: limits}
spec: {host: HOST, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}
"""
PODS = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pods}
spec:
  selector: {matchLabels: {app: stock}}
  template: {metadata: {labels: {app: stock}}, spec: {containers: [{name: a, image: a}]}}
"""
FAR = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: else}}
  template: {metadata: {labels: {app: else}}, spec: {containers: [{name: a, image: a}]}}
"""
LIST = "apiVersion: v1\nkind: List\nitems:\n- " + STOCK.rstrip().replace("\n", "\n  ") + "\n"


def read(text: str, request: str = "GET http://web/") -> set[str]:
    """The kinds and names of what is read, and of what is refused among it."""
    found = load(["-"], stdin=io.StringIO(text), strict=False, choose=asked([parse(request)]))
    refused = {f"refused {one.resource.name}" for one in found.refusals if one.resource}
    return {f"{one.kind} {one.name}" for one in found.resources} | refused


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(STOCK, id="plain"),
        pytest.param(STOCK.replace("  name:", "  labels:\n    name: other\n  name:"), id="a label called name"),
        pytest.param(STOCK.replace("Service", "Service # of goods"), id="a comment"),
        pytest.param(STOCK.replace("kind", '"kind"'), id="a key in quotes"),
        pytest.param(STOCK.replace(": v1", ': "v1"'), id="a version in quotes"),
        pytest.param(STOCK.replace(": stock\n", ': "stock" # goods\n'), id="a name in quotes"),
        pytest.param(STOCK.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(LIST, id="an item of a list"),
        pytest.param(STOCK.replace("metadata:\n", "metadata:\n\n# of goods\n"), id="a comment that is not indented"),
    ],
)
def test_what_a_rule_leads_to_is_read_however_it_is_written(service: str) -> None:
    text = f"{WEB}{service}{RULE}{PODS}{FAR}".replace("HOST", "stock").replace("NAME", "far")

    assert read(text) == {
        "Service web",
        "VirtualService routes",
        "Service stock",
        "DestinationRule limits",
        "Deployment pods",
    }


@pytest.mark.parametrize("host", ["stock", "stock.example.com", '"stock"', "STOCK.other"])
def test_a_policy_for_what_is_no_service_of_the_folder_is_read(host: str) -> None:
    assert "DestinationRule limits" in read(f"{WEB}{RULE}".replace("HOST", host))


@pytest.mark.parametrize(
    "host", ["host: stock", '"host": stock', "host:\n    stock", "host: &a stock", "? host\n  : stock"]
)
def test_a_policy_is_read_however_its_host_is_written(host: str) -> None:
    rule = (
        f"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: limits}}\nspec:\n  {host}\n"
    )

    assert "DestinationRule limits" in read(f"{WEB}{rule}".replace("HOST", "stock"))


def test_a_policy_for_another_host_is_not_read() -> None:
    assert "DestinationRule limits" not in read(WEB.replace("HOST", "stock") + RULE.replace("HOST", "else"))


@pytest.mark.parametrize(
    "twice",
    [
        FAR.replace("NAME", "pods"),
        RULE.replace("HOST", "else"),
        STOCK.replace("name: stock", "name: stock\n  labels: {a: b}"),
    ],
)
def test_an_object_that_is_given_twice_is_no_less_so_for_a_named_request(twice: str) -> None:
    text = f"{WEB}{STOCK}{RULE}{PODS}".replace("HOST", "stock")

    assert any(one.startswith("refused") for one in read(f"{text}---\n{twice.removeprefix('---')}"))
    assert any(one.startswith("refused") for one in read(f"{twice.removeprefix('---')}---\n{text}"))


def test_an_object_of_that_name_in_another_namespace_is_not_read() -> None:
    text = f"{WEB}{STOCK}{PODS}".replace("HOST", "stock").replace("{name: pods}", "{name: pods, namespace: default}")
    other = FAR.replace("{name: NAME}", "{name: pods, namespace: other}")

    assert "Deployment pods" in read(text)
    assert len(load(["-"], stdin=io.StringIO(text + other), choose=asked([parse("GET http://web/")])).resources) == 4


def test_a_name_that_is_broken_by_an_escaped_line_end_is_read() -> None:
    for end in ("\n", "\r\n"):
        rule = f'{{host: "sto\\{end}    ck"}}'
        text = WEB.replace("HOST", "stock") + RULE.replace("{host: HOST,", rule.removesuffix("}") + ",")

        assert "DestinationRule limits" in read(text)


def test_a_rollout_that_writes_into_a_rule_is_read_whatever_pods_it_has() -> None:
    rollout = """---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: goods
  labels: {app: goods}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: else}
  selector: {matchLabels: {app: else}}
  strategy: {canary: {trafficRouting: {istio: {virtualService: {name: NAME}}}}}
"""
    assert "Rollout goods" in read(WEB + rollout.replace("NAME", "routes"))
    assert "Rollout goods" not in read(WEB + rollout.replace("NAME", "others"))


def test_a_rollout_and_the_workload_that_has_its_template_are_read_together() -> None:
    rollout = """---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: rolling
  labels: {team: a}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: NAME}
  selector: {matchLabels: {app: any}}
"""
    text = WEB.replace("HOST", "stock") + STOCK + PODS + FAR.replace("NAME", "far")
    assert {"Rollout rolling", "Deployment pods"} <= read(text + rollout.replace("NAME", "pods"))
    assert "Rollout rolling" not in read(text + rollout.replace("NAME", "far"))
    writing = "  strategy: {canary: {trafficRouting: {istio: {virtualService: {name: routes}}}}}\n"
    assert {"Rollout rolling", "Deployment far"} <= read(text + rollout.replace("NAME", "far") + writing)


def test_manifests_with_a_service_that_no_request_meets_are_no_routing_alone() -> None:
    outside = """apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec: {hosts: [out.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
---
"""
    text = outside + WEB.replace("hosts: [web]", "hosts: [out.example.com]").replace("HOST", "stock")

    assert "Service web" in read(text.replace("host: web", "host: gone"), "GET http://out.example.com/")


GATEWAY = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: far}
spec: {selector: {app: far}, servers: [{port: {number: 80, name: far, protocol: HTTP}, hosts: [far.example.com]}]}
"""


def test_what_a_gateway_is_called_leads_to_nothing() -> None:
    far = STOCK.replace("name: stock", "name: far").replace("app: stock", "app: far")
    found = read(f"{WEB}{STOCK}---\n{far}{GATEWAY}".replace("HOST", "stock"), "GET http://web.example.com/")
    assert "Gateway far" in found
    assert "Service far" not in found


def test_a_gateway_that_a_rule_names_is_read() -> None:
    named = WEB.replace("hosts: [web]", "hosts: [web], gateways: [mesh, default/far]")

    assert "Gateway far" in read(f"{named}{STOCK}{GATEWAY}".replace("HOST", "stock"))


def test_a_gateway_that_no_rule_names_is_not_read_for_a_request_to_a_service() -> None:
    text = f"{WEB}{STOCK}{GATEWAY}".replace("HOST", "stock")

    assert "Gateway far" not in read(text)
    assert "Gateway far" not in read(text.replace("{name: web}", "{name: web, namespace: a}"), "GET http://web.a/")
    assert "Gateway far" not in read(f"{text}---\n{STOCK}---\n{STOCK.replace('stock', 'web')}", "tcp://web:80")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        pytest.param(WEB, "GET http://far.example.com/", id="a host that is no Service's"),
        pytest.param(WEB, "GET http://web.other/", id="a Service of a namespace that is not stated"),
        pytest.param(WEB, "GET http://web/ host:far.example.com", id="another Host header"),
        pytest.param(WEB, "tcp://far.example.com:80", id="a connection"),
        pytest.param(
            WEB.replace("spec: {selector", "spec: {type: ExternalName, externalName: x.example.com, selector"),
            "GET http://web/",
            id="an alias",
        ),
        pytest.param(
            WEB.replace("apiVersion: v1", "apiVersion: serving.knative.dev/v1"), "GET http://web/", id="a kind"
        ),
    ],
)
def test_all_gateways_are_read_where_a_request_may_enter_by_one(text: str, request_: str) -> None:
    chosen = asked([parse(request_)])
    several = [*unread(f"{text}{STOCK}{GATEWAY}".replace("HOST", "stock"), "all.yaml")]

    assert "far" in {one.name for one in chosen(several)}


def test_all_gateways_are_read_beside_a_kustomization_since_a_patch_is_no_service() -> None:
    several = [*unread(f"{WEB}{GATEWAY}", "all.yaml"), *unread("patches: [{path: all.yaml}]", "kustomization.yaml")]

    assert "far" in {one.name for one in asked([parse("GET http://web/")])(several)}


NEAR = GATEWAY.replace("far", "near")
ENTERED = WEB.replace("hosts: [web]", "hosts: [near.example.com], gateways: [near]") + STOCK.replace("stock", "web")
ENTERING = "GET http://near.example.com/"


def gateways_of(text: str, request: str = ENTERING) -> set[str]:
    """The names of the Gateways that are read for a request."""
    return {one.name for one in asked([parse(request)])([*unread(text, "all.yaml")]) if one.kind == "Gateway"}


def test_a_gateway_for_other_hosts_is_not_read_for_a_request_that_enters_by_its_neighbour() -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{GATEWAY}") == {"near"}
    # Of several ports each has to be one that the neighbour has, too.
    near, far = (one.replace(".com]}", ".com]}, {port: {protocol: HTTPS, number: 443}}") for one in (NEAR, GATEWAY))
    assert gateways_of(f"{ENTERED}{near}{far}") == {"near"}
    assert gateways_of(f"{ENTERED}{near}{GATEWAY}") == {"near"}
    assert gateways_of(f"{ENTERED}{NEAR}{far}") == {"near", "far"}


@pytest.mark.parametrize(
    "far",
    [
        pytest.param(GATEWAY.replace("far.example", "near.example"), id="for the same host"),
        pytest.param(GATEWAY.replace("far.example", '"*.example'), id="for any host"),
        pytest.param(GATEWAY.replace("HTTP}", "HTTPS}"), id="with another protocol on the same port"),
        pytest.param(GATEWAY.replace("number: 80", "number: 8080"), id="on a port of its own"),
        pytest.param(GATEWAY.replace(", protocol: HTTP", ""), id="without a protocol"),
        pytest.param(GATEWAY.replace("number: 80", "number: &a 80"), id="with a port that is written oddly"),
    ],
)
def test_a_gateway_that_may_matter_is_read_beside_the_one_that_a_request_enters_by(far: str) -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{far}") == {"near", "far"}


def test_gateways_are_read_that_a_rule_or_the_request_names() -> None:
    assert gateways_of(ENTERED.replace("[near]", "[near, far]") + NEAR + GATEWAY) == {"near", "far"}
    by_name = [parse(ENTERING, gateway="default/far")]
    assert {one.name for one in asked(by_name)([*unread(f"{ENTERED}{NEAR}{GATEWAY}", "all.yaml")])} >= {"near", "far"}


def test_all_gateways_are_read_where_none_is_for_the_host_that_is_asked_for() -> None:
    assert gateways_of(f"{ENTERED}{NEAR}{GATEWAY}", "GET http://lost.example.com/") == {"near", "far"}


EDGE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec:
  selector: {matchLabels: {app: door}}
  template: {metadata: {labels: {app: door, istio: way-in}}, spec: {containers: [{name: istio-proxy, image: a}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in}
spec: {selector: {istio: way-in}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entered}
spec: {hosts: [web.example], gateways: [in], http: [{route: [{destination: {host: web}}]}]}
"""
FRONT = """---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NAMESPACE}
spec: {selector: {app: door}, ports: [{name: http, port: 81}]}
"""


def test_the_services_of_a_gateways_pods_are_read_by_whatever_label_they_select_these() -> None:
    fronts = FRONT.replace("NAME", "front", 1).replace("NAMESPACE", "edge")
    fronts += FRONT.replace("NAME", "other", 1).replace("NAMESPACE", "else")
    fronts += FRONT.replace("NAME", "third", 1).replace("NAMESPACE", "edge").replace("door", "window")
    found = read(WEB.replace("HOST", "web") + EDGE + fronts, "GET http://web.example/")
    assert "Service front" in found
    assert not {"Service other", "Service third"} & found


def test_further_services_of_the_same_pods_are_read() -> None:
    further = "---\n" + STOCK.replace("name: stock", "name: raw").replace("name: http", "name: tcp")
    text = WEB.replace("HOST", "web") + STOCK + PODS + further + FAR.replace("NAME", "far")
    assert {"Service stock", "Service raw", "Deployment pods"} <= read(text, "GET http://stock/")
    assert "Service raw" not in read(text)


def test_a_label_that_all_services_have_leads_to_none_of_them() -> None:
    pods = PODS.replace("{app: stock}, spec", "{app: stock, team: shop}, spec")
    others = "".join(
        f"---\n{STOCK.replace('stock', f'other{number}').replace('selector: {', 'selector: {team: shop, ')}"
        for number in range(60)
    )
    found = read(WEB.replace("HOST", "web") + STOCK + pods + others, "GET http://stock/")
    assert not any(one.startswith("Service other") for one in found)
