"""Services: what the API server refuses of their ports, and what is not known of who stands behind them."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.unmodelled import Called, Decided

HOST = "web.default.svc.cluster.local"


def read(spec: str) -> Built:
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{{spec}}}\n"
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("selector: {a: b}", "has no ports"),
        ("selector: {a: b}, ports: [{port: 80}, {name: b, port: 81}]", "names each"),
        ("selector: {a: b}, ports: [{name: a, port: 80}, {name: a, port: 81}]", "the port name a is given twice"),
        ("selector: {a: b}, ports: [{name: a, port: 80}, {name: b, port: 80}]", "port 80 is given twice"),
        ("selector: {a: b}, ports: [{name: Web, port: 80}]", "the port name 'Web' is not lower-case"),
        ("selector: {a: b}, ports: [{port: 80, targetPort: a_b}]", "targetPort 'a_b' is not lower-case"),
        ("selector: {a: b}, ports: [{port: 80, targetPort: '8080'}]", "targetPort '8080' has no letter"),
        ("selector: {a: b}, ports: [{port: 0}]", "port must be between 1 and 65535"),
        ("type: ExternalName, externalName: a.example, clusterIP: None", "an ExternalName has no clusterIP"),
        ("type: ExternalName, externalName: a.example, ipFamilies: [IPv4]", "an ExternalName has no ipFamilies"),
    ],
)
def test_what_the_api_server_refuses(spec: str, why: str) -> None:
    (one,) = read(spec).mesh.unmodelled
    assert why in one.why
    assert (one.refused, one.touches) == (True, (Called((HOST,)),))


@pytest.mark.parametrize(
    "spec",
    [
        "selector: {a: b}, ports: [{name: dns, port: 53}, {name: dns-udp, port: 53, protocol: UDP}]",
        "selector: {a: }, ports: [{port: 80.0, targetPort: 8e3}]",
        "selector: {a: b}, clusterIP: None",
        "selector: {a: b}, ports: [{port: 80}], sessionAffinity: None, internalTrafficPolicy: Cluster",
    ],
)
def test_what_is_taken(spec: str) -> None:
    built = read(spec)
    assert not built.mesh.unmodelled
    assert built.mesh.services[0].host == HOST


def test_a_null_label_is_an_empty_one() -> None:
    assert read("selector: {a: }, ports: [{port: 80}]").mesh.services[0].selector == {"a": ""}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("ports: [{port: 80}]", "it has no selector: who answers is not known"),
        ("selector: {}, ports: [{port: 80}]", "it has no selector: who answers is not known"),
        (
            "selector: {a: b}, ports: [{port: 80}], internalTrafficPolicy: Local",
            "internalTrafficPolicy is not modelled",
        ),
    ],
)
def test_what_is_not_known_touches_the_service(spec: str, why: str) -> None:
    built = read(spec)
    (one,) = built.mesh.unmodelled
    assert (one.why, one.refused, one.touches) == (why, False, (Called((HOST,)),))
    assert built.mesh.service(HOST) is not None


NEAR = "networking.istio.io/traffic-distribution"
ENTRY = """apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: out, annotations: {annotations}}}
spec: {{hosts: [a.example.com], resolution: DNS, ports: [{{number: 80, name: http, protocol: HTTP}}]}}
"""
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {{name: default, annotations: {annotations}}}\n---\n"


def annotated(metadata: str, said: str) -> Built:
    text = metadata.format(annotations=f"{{{NEAR}: {said}}}")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n"
    return build_all(load(["-"], stdin=io.StringIO(f"{service}---\n{text}"), strict=False))


@pytest.mark.parametrize(
    ("metadata", "host"),
    [
        (
            "apiVersion: v1\nkind: Service\nmetadata: {{name: near, annotations: {annotations}}}\n"
            "spec: {{selector: {{a: b}}, ports: [{{port: 80}}]}}\n",
            "near.default.svc.cluster.local",
        ),
        (ENTRY, "a.example.com"),
        (SPACE, HOST),
    ],
)
@pytest.mark.parametrize(
    ("said", "wanted"),
    [("PreferClose", "zone"), ("prefersamezone", "zone"), ("preferSameNode", "node"), ("Any", ""), ("Local", "")],
)
def test_an_annotation_says_which_pods_the_hosts_that_it_is_for_prefer(
    metadata: str, host: str, said: str, wanted: str
) -> None:
    mesh = annotated(metadata, said).mesh
    (service,) = mesh.services_of(host)
    assert service.distribution is not None
    assert (service.distribution.preferred, mesh.unmodelled) == (wanted, ())


def test_whether_a_namespaces_word_is_for_hosts_outside_is_not_told() -> None:
    spaced = annotated(f"{SPACE}{ENTRY.replace('{annotations}', '{{}}')}", "PreferClose").mesh
    (one,) = spaced.unmodelled
    assert (one.why, one.touches) == (f"{NEAR} for ServiceEntries is not modelled", (Called(("a.example.com",)),))


@pytest.mark.parametrize(
    ("own", "field", "wanted"),
    [
        ("{}", "", "node"),
        (f"{{{NEAR}: PreferClose}}", "", "zone"),
        (f"{{{NEAR}: Any}}", "", ""),
        (f'{{{NEAR}: ""}}', "", "node"),
        (f"{{{NEAR}: PreferSameNode}}", "trafficDistribution: PreferClose", "zone"),
        (f"{{{NEAR}: PreferClose}}", "trafficDistribution: PreferSameNode", "node"),
        (f"{{{NEAR}: PreferClose}}", "trafficDistribution: null", "zone"),
    ],
)
def test_the_field_counts_before_the_annotation_and_that_before_the_namespaces(
    own: str, field: str, wanted: str
) -> None:
    service = (
        f"metadata: {{name: web, annotations: {own}}}\nspec: {{selector: {{a: b}}, ports: [{{port: 80}}], {field}}}"
    )
    text = f"{SPACE.format(annotations=f'{{{NEAR}: PreferSameNode}}')}apiVersion: v1\nkind: Service\n{service}\n"
    (found,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.services
    assert found.distribution is not None
    assert found.distribution.preferred == wanted


@pytest.mark.parametrize("number", [15001, 15006, 15021, 15090])
def test_on_ports_that_a_sidecar_has_for_itself_no_rule_counts(number: int) -> None:
    built = read(f"selector: {{a: b}}, ports: [{{name: http, port: {number}}}, {{name: http-b, port: 80}}]")
    (one,) = built.mesh.unmodelled
    assert one.touches == (Called((HOST,), number),)
    # What is no HTTP, or not known to be, has a listener at the Service's own address.
    others = (
        read(f"selector: {{a: b}}, ports: [{{name: tcp, port: {number}}}]"),
        read(f"selector: {{a: b}}, ports: [{{port: {number}}}]"),
    )
    assert [each.mesh.unmodelled for each in others] == [(), ()]


def test_affinity_of_kube_proxy_is_none_of_envoys() -> None:
    built = read("selector: {a: b}, ports: [{port: 80}], sessionAffinity: ClientIP")
    assert not built.mesh.unmodelled
    assert "sessionAffinity is kube-proxy's" in built.notices[0].message


@pytest.mark.parametrize(
    "spec",
    [
        "type: ExternalName",
        "type: ExternalName, externalName: ''",
        "type: ExternalName, externalName: '*.example.com'",
        "type: ExternalName, externalName: a b",
    ],
)
def test_an_external_name_without_a_host_is_refused(spec: str) -> None:
    (one,) = read(spec).mesh.unmodelled
    assert one.refused
    assert "externalName" in one.why or "is no host" in one.why


def test_an_external_name_counts_for_nothing_without_its_type() -> None:
    built = read("selector: {a: b}, ports: [{port: 80}], externalName: example.com")
    assert (built.mesh.aliases, built.mesh.unmodelled) == ((), ())


def test_an_external_name_of_nothing_in_the_mesh_costs_no_proof() -> None:
    built = read("type: ExternalName, externalName: api.example.com, ports: [{port: 80}]")
    assert (built.mesh.services, built.mesh.unmodelled) == ((), ())
    assert [one.alias_of for one in built.mesh.aliases] == ["api.example.com"]
    assert "no Service and no ServiceEntry has the host api.example.com" in built.notices[0].message


HEADLESS = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: PORT, port: 80}]}
---
"""
RULE = "apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {name: web}\nspec: {%s}\n---\n"


def whole(text: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


@pytest.mark.parametrize(
    ("spec", "proved"),
    [
        ("hosts: [web], http: [{route: [{destination: {host: web}}]}]", True),
        ("hosts: [web], http: [{route: [{destination: {host: other}}]}]", True),
        ("hosts: [web], gateways: [edge], http: [{route: [{destination: {host: web, subset: v1}}]}]", True),
        ("hosts: [web], http: [{route: [{destination: {host: web, subset: v1}}]}]", False),
        ("hosts: [web, other], http: [{route: [{destination: {host: web}}]}]", False),
        ("hosts: [other], http: [{route: [{destination: {host: web}}]}]", False),
        ("hosts: [web], http: [{route: [{destination: {host: other}}], mirror: {host: web}}]", False),
        ("hosts: [web], http: [{route: [{destination: {host: web}, weight: 1}, {destination: {host: o}}]}]", False),
    ],
)
def test_rules_that_lead_to_a_headless_service(spec: str, proved: bool) -> None:
    mesh = whole(HEADLESS.replace("PORT", "http") + RULE % ("VirtualService", spec)).mesh
    found = [one for one in mesh.unmodelled if "headless" in one.why]
    assert [one.touches for one in found] == ([] if proved else [(Decided(mesh.virtual_services[0].http[0].location),)])
    assert not any(
        "headless" in one.why
        for one in whole(HEADLESS.replace("PORT", "tcp") + RULE % ("VirtualService", spec)).mesh.unmodelled
    )


@pytest.mark.parametrize(
    ("policy", "proved"),
    [
        ("connectionPool: {tcp: {maxConnections: 1}}", True),
        ("outlierDetection: {interval: 1s}", False),
        ("loadBalancer: {simple: RANDOM}", False),
        ("portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]", False),
    ],
)
def test_policies_of_a_headless_service(policy: str, proved: bool) -> None:
    rule = RULE % ("DestinationRule", f"host: web, trafficPolicy: {{{policy}}}")
    found = [one.touches for one in whole(HEADLESS.replace("PORT", "http") + rule).mesh.unmodelled]
    assert found == ([] if proved else [(Called((HOST,)),)])


SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, labels: {kubernetes.io/service-name: web, endpointslice.kubernetes.io/managed-by: BY}}
---
"""
SELECTING = HEADLESS.replace("clusterIP: None, ", "").replace("PORT", "http")


@pytest.mark.parametrize(
    ("text", "touching"),
    [
        (SELECTING + SLICE.replace("BY", "endpointslice-controller.k8s.io"), False),
        (SELECTING + SLICE.replace("BY", "someone.example"), True),
        (
            SELECTING.replace("selector: {app: web}, ", "")
            + SLICE.replace("BY", "endpointslicemirroring-controller.k8s.io"),
            True,
        ),
        (SELECTING + "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n", False),
        (
            SELECTING.replace("selector: {app: web}, ", "")
            + "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n",
            True,
        ),
    ],
)
def test_endpoints_that_the_cluster_makes_from_a_selector_say_nothing_new(text: str, touching: bool) -> None:
    built = whole(text)
    kinds = ("Endpoints", "EndpointSlice")
    assert [one.touches for one in built.mesh.unmodelled if one.kind in kinds] == (
        [(Called((HOST,)),)] if touching else []
    )
    assert any("it touches no request of these manifests" in one.message for one in built.notices) is not touching


def test_a_port_of_sctp_is_one_of_tcp_to_istiod_and_is_told(built) -> None:
    text = """---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {selector: {app: greeter}, ports: [{name: a, port: 80, protocol: SCTP}, {name: http, port: 81}]}
"""
    (found,) = built(text).mesh.unmodelled
    assert "port 80 of SCTP" in found.why
    assert not built(text.replace("SCTP", "UDP")).mesh.unmodelled
