"""The mesh configuration of a ConfigMap or an IstioOperator: what of it is modelled, has no part, or is told."""

from __future__ import annotations

import io

import pytest
from mesh_config_written import ROUTED, config_map
from meshproof.border.request import Request, parse
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.unmodelled import Called, Entering, Everything
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered


def operator(spec: str) -> str:
    return f"---\napiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {{name: i}}\nspec: {{{spec}}}\n"


def sail(spec: str) -> str:
    return f"---\napiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {{name: default}}\nspec: {{{spec}}}\n"


@pytest.mark.parametrize(
    "given",
    [
        config_map("outboundTrafficPolicy:", "  mode: REGISTRY_ONLY", "accessLogFile: /dev/stdout"),
        operator("profile: demo, meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"),
        sail("version: v1.27, values: {meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}}"),
    ],
)
def test_it_is_read_from_either(built, given: str) -> None:
    mesh = built(given).mesh
    assert mesh.config.outbound is OutboundMode.REGISTRY_ONLY
    assert not mesh.unmodelled


def test_an_istio_of_the_sail_operator_that_only_installs_costs_no_proof(built) -> None:
    spec = "version: v1.27, namespace: istio-system, updateStrategy: {type: InPlace}, values: {global: {meshID: a}}"
    others = "".join(
        f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: default}}\nspec: {{}}\n"
        for version, kind in (
            ("sailoperator.io/v1", "IstioCNI"),
            ("sailoperator.io/v1", "IstioRevisionTag"),
            ("flagger.app/v1beta1", "MetricTemplate"),
        )
    )
    assert not built(sail(spec) + others).mesh.unmodelled
    (variable,) = built(sail("values: {pilot: {env: {PILOT_X: '1'}}}")).mesh.unmodelled
    assert "PILOT_X is not modelled" in variable.why


def test_that_hosts_nobody_knows_are_refused_can_be_asked_for_where_the_configuration_says_so(built) -> None:
    asked = parse("http://greeter:5000/ host:other.example.com")
    for mode, words in (("REGISTRY_ONLY", ""), ("ALLOW_ANY", "a cluster passes it on")):
        mesh = built(config_map("outboundTrafficPolicy:", f"  mode: {mode}")).mesh
        found = predict(mesh, asked)
        assert found.status == 502
        why = why_unanswered(mesh, found, "default")
        assert words in why
        assert bool(why) is bool(words)


def test_routes_that_say_nothing_of_retries_have_the_default_ones(built) -> None:
    mesh = built(ROUTED + config_map("defaultHttpRetryPolicy:", "  attempts: 5", "  retryOn: 5xx")).mesh
    for url, attempts in (("greeter:5000/", 5), ("greeter:5000/own", 1)):
        assert predict(mesh, parse(f"http://{url}")).retries.attempts == attempts
    alone = built(config_map("defaultHttpRetryPolicy:", "  attempts: 0")).mesh
    assert predict(alone, parse("http://greeter:5000/")).retries.attempts == 0


@pytest.mark.parametrize(
    ("mode", "taken"),
    [
        ("DEFAULT", ["/a/b"]),
        ("BASE", ["/a/b"]),
        ("MERGE_SLASHES", ["/a/b", "/a//b", "//a/x/..//b"]),
        ("DECODE_AND_MERGE_SLASHES", ["/a/b", "/a//b", "/a%2Fb", "/a%2f%2Fb", "/a%5Cb", "//a/x/..//b"]),
    ],
)
def test_paths_are_normalised_as_the_configuration_says(built, mode: str, taken: list[str]) -> None:
    mesh = built(ROUTED + config_map("pathNormalization:", f"  normalization: {mode}")).mesh
    paths = ("/a/b", "/a//b", "/a%2Fb", "/a%2f%2Fb", "/a%5Cb", "//a/x/..//b", "/b")
    assert [one for one in paths if predict(mesh, Request("GET", "greeter", 5000, one)).status == 418] == taken


def test_destinations_that_say_nothing_of_connecting_have_the_default_time(built) -> None:
    limited = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: limited}
spec: {host: greeter, trafficPolicy: {connectionPool: {tcp: {maxConnections: 3%s}}}}
"""
    config = config_map("connectTimeout: 3s")
    for own, seconds in (("", 3.0), (", connectTimeout: 1s", 1.0)):
        mesh = built(limited % own + config).mesh
        assert predict(mesh, parse("http://greeter:5000/")).arms[0].policy.pool.connect_timeout == seconds
        made = translate(mesh, Proxy(), {}).clusters["outbound|5000||greeter.default.svc.cluster.local"]
        assert made.connect_timeout.ToTimedelta().total_seconds() == seconds


def test_defaults_of_tls_touch_what_begins_or_ends_in_tls_alone(built) -> None:
    defaults = config_map("tlsDefaults: {minProtocolVersion: TLSV1_3}")
    assert not built(defaults).mesh.unmodelled
    outside = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: out}
spec: {host: out.example.com, trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]}}
"""
    (found,) = [one for one in built(outside + defaults).mesh.unmodelled if "tlsDefaults" in one.why]
    assert found.touches == (Called(("out.example.com",)),)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (config_map("pathNormalization: {normalization: NONE}"), "pathNormalization NONE"),
        (config_map("outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}"), "outboundTrafficPolicy"),
        (config_map("rootNamespace: elsewhere"), "rootNamespace"),
        (config_map("defaultServiceExportTo: ['~']"), "defaultServiceExportTo"),
        (config_map("defaultConfig: {proxyMetadata: {ISTIO_META_HTTP10: '1'}}"), "proxyMetadata ISTIO_META_HTTP10"),
        (config_map("a: b", more='  meshNetworks: "networks: {n1: {}}"\n'), "a is not modelled"),
        (
            config_map(
                "a: [",
            ),
            "is not modelled",
        ),
        (config_map("accessLogFile: x", name="istio-canary"), "is not modelled"),
        (config_map("accessLogFile: x") + operator("meshConfig: {accessLogFile: y}"), "is not modelled"),
        (operator("values: {pilot: {env: {A: b}}}"), "A is not modelled"),
        (operator("values: {pilot: {env: [A]}}"), "env is not modelled"),
        (operator("components: {pilot: {k8s: {env: [{name: A, value: b}]}}}"), "A of istiod is not modelled"),
        (operator("components: {pilot: {k8s: {overlays: [{kind: Deployment}]}}}"), "overlays is not modelled"),
        (operator("values: {meshConfig: {a: b}}"), "meshConfig is not modelled"),
        (operator("unvalidatedValues: {a: b}"), "unvalidatedValues is not modelled"),
    ],
)
def test_what_is_not_modelled_is_told(built, given: str, words: str) -> None:
    assert any(words in one.why for one in built(given).mesh.unmodelled)


def test_what_decides_no_request_costs_nothing(built) -> None:
    text = config_map(
        "accessLogFile: /dev/stdout",
        "rootNamespace: istio-system",
        "enableTracing: true",
        "trustDomain: cluster.local",
        "defaultConfig:",
        "  tracing: {}",
        "  concurrency: 2",
        more="  meshNetworks: 'networks: {}'\n",
    )
    assert not built(text).mesh.unmodelled
    assert not built(config_map("x: y", namespace="shop")).mesh.unmodelled
    assert not built(operator("profile: demo, values: {global: {a: b}, pilot: {autoscaleMin: 2}}")).mesh.unmodelled
    pod = "{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}"
    variable = f"pilot: {{k8s: {{env: [{{name: PILOT_TRACE_SAMPLING, value: '100'}}, {pod}]}}}}"
    demo = f"addonComponents: {{kiali: {{enabled: true}}}}, components: {{{variable}}}, values: {{grafana: {{a: b}}}}"
    assert not built(operator(demo)).mesh.unmodelled
    names = "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true', ISTIO_META_DNS_AUTO_ALLOCATE: 'true'}"
    assert not built(config_map(f"defaultConfig: {{{names}}}")).mesh.unmodelled


def test_addresses_that_the_agent_makes_touch_connections_to_hosts_without_one(built) -> None:
    made = config_map("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}")
    entry = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: NAME}
spec:
  hosts: [NAME.example.com]
  ports: [{number: 3306, name: tcp, protocol: TCP}, {number: 80, name: http, protocol: HTTP}]
  resolution: DNS
"""
    addressed = entry.replace("NAME", "two") + "  addresses: [10.9.9.9]\n"
    whoever = entry.replace("NAME", "three").replace("DNS", "NONE")
    entries = entry.replace("NAME", "one") + addressed + whoever
    before = built(entries + made.replace("'true'", "'false'")).mesh.unmodelled
    (found,) = [one for one in built(entries + made).mesh.unmodelled if one not in before]
    assert found.touches == (Called(("one.example.com",), 3306),)
    asked = built(entries + made.replace("CAPTURE", "AUTO_ALLOCATE")).mesh.unmodelled
    assert [one for one in asked if one not in before] == []


def test_what_a_gateway_believes_of_its_clients_touches_what_enters_by_one(built) -> None:
    topology = config_map("defaultConfig: {gatewayTopology: {numTrustedProxies: 1}}")
    gateway = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in}
spec: {selector: {istio: in}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
"""
    assert not built(topology).mesh.unmodelled
    (found,) = built(gateway + topology).mesh.unmodelled
    assert found.touches == (Entering("default/in"),)


GATEWAYS = operator("profile: empty, components: {ingressGateways: [{name: in, enabled: true}]}").replace(
    "name: i}", "name: g}"
)


def test_an_operator_that_installs_gateways_says_nothing_of_the_mesh(built) -> None:
    own = operator("meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}")
    for text in (own + GATEWAYS, GATEWAYS + own):
        mesh = built(text).mesh
        assert mesh.config.outbound is OutboundMode.REGISTRY_ONLY
        assert not mesh.unmodelled
    assert not built(GATEWAYS + GATEWAYS.replace("name: g}", "name: h}")).mesh.unmodelled


def test_of_two_that_configure_the_mesh_neither_is_known(built) -> None:
    own = operator("meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}")
    other = operator("meshConfig: {pathNormalization: {normalization: MERGE_SLASHES}}").replace("name: i}", "name: j}")
    assert len(built(own + other + GATEWAYS).mesh.unmodelled) == 2
    values = operator("values: {pilot: {env: {A: b}}}").replace("name: i}", "name: j}")
    assert len(built(own + values).mesh.unmodelled) == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("connectTimeout: soon", "soon"),
        ("defaultHttpRetryPolicy: {attempts: -1}", "attempts must be between"),
        ("defaultHttpRetryPolicy: {attempts: 3, retryOn: 'often'}", "often"),
        ("defaultVirtualServiceExportTo: all", "defaultVirtualServiceExportTo must be a list"),
        ("h2UpgradePolicy: ALWAYS", "h2UpgradePolicy must be UPGRADE or DO_NOT_UPGRADE, not 'ALWAYS'"),
        ("outboundTrafficPolicy: REGISTRY_ONLY", "outboundTrafficPolicy must be a mapping"),
        ("localityLbSetting: {distribute: [{from: a, to: {a: 80, b: 30}}]}", "110"),
    ],
)
def test_what_nobody_can_read_makes_everything_unproved(line: str, why: str) -> None:
    manifests = load(["-"], stdin=io.StringIO(ROUTED + config_map(line)), strict=False)
    (one,) = build_all(manifests).mesh.unmodelled
    assert one.refused
    assert why in one.why
    assert one.touches == (Everything(),)
