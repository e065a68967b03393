"""What a client knows of the mesh where a Sidecar says so: Services, VirtualServices, and what their rules lead to."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import source
from meshproof.errors import ManifestError
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict

OLDER, NEWER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
SITE = "".join(
    f"""---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {place}}}
spec: {{selector: {{app: greeter}}, ports: [{{name: http, port: 80, targetPort: 5000}}]}}
"""
    for name, place in (("web", "shop"), ("api", "shop"), ("admin", "ops"), ("here", "default"))
)
ROUTED = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [api.shop.svc.cluster.local]
  http: [{route: [{destination: {host: web.shop.svc.cluster.local}}]}]
"""


def sidecar(*hosts: str, name: str = "s", namespace: str = "default", made: str = "", more: str = "", mode: str = ""):
    stamp = f', creationTimestamp: "{made}"' if made else ""
    listed = ", ".join(f'"{one}"' for one in hosts)
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\n"
        f"metadata: {{name: {name}, namespace: {namespace}{stamp}}}\n"
        f"spec:\n  outboundTrafficPolicy: {{mode: {mode or 'REGISTRY_ONLY'}}}\n"
        f"{f'  egress: [{{hosts: [{listed}]}}]' if hosts else ''}\n{more}"
    )


def known(mesh, namespace: str = "default", labels: dict[str, str] | None = None) -> set[str]:
    """The Services that answer a client."""
    found = set()
    for name in ("web.shop", "api.shop", "admin.ops", "here.default"):
        expected = predict(mesh, parse(f"http://{name}/"), source(namespace, labels))
        assert not expected.undecided
        if any(one.workloads or one.note for one in expected.arms):
            found.add(name)
        else:
            assert expected.status == 502 or expected.refused == "connection"
    return found


ALL = {"web.shop", "api.shop", "admin.ops", "here.default"}


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["*/*"], ALL),
        (["./*"], {"here.default"}),
        (["shop/*"], {"web.shop", "api.shop"}),
        (["*/*", "~shop/*"], {"admin.ops", "here.default"}),
        (["~shop/*", "*/*"], {"admin.ops", "here.default"}),
        (["shop/web.shop.svc.cluster.local", "~/web.shop.svc.cluster.local", "ops/*"], {"admin.ops"}),
        (["*/*", "~/*"], set()),
        (["~/*"], set()),
        (["*/*.ops.svc.cluster.local"], {"admin.ops"}),
        (["shop/admin.ops.svc.cluster.local"], set()),
        ([], ALL),
    ],
)
def test_hosts(built, hosts: list[str], expected: set[str]) -> None:
    assert known(built(SITE + sidecar(*hosts)).mesh) == expected


FOREIGN = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: foreign}
spec:
  hosts: [shop.example.com]
  http: [{route: [{destination: {host: web.shop.svc.cluster.local}}]}]
"""


@pytest.mark.parametrize(
    ("hosts", "served"),
    [
        (["*/*"], True),
        # Nothing that is known has port 80, where alone the hosts of rules that are no Services are served.
        (["*/shop.example.com"], False),
        (["./*.example.com"], False),
        (["*/shop.example.com", "./*"], True),
        # Any installation of Istio has a Service with that port in its own namespace.
        (["*/shop.example.com", "istio-system/*"], True),
        (["*/shop.example.com", "istio-system/istio-ingressgateway.istio-system.svc.cluster.local"], True),
        (["*/shop.example.com", "istio-system/*", "~istio-system/*"], False),
    ],
)
def test_a_host_that_is_no_service_needs_a_service_on_port_80(built, hosts: list[str], served: bool) -> None:
    asked = parse("http://shop.example.com/")
    found = predict(built(SITE + FOREIGN + sidecar(*hosts)).mesh, asked)
    assert ([one.destination for one in found.arms], found.refused) == (
        (["web.shop"], "") if served else ([], "connection")
    )
    passing = predict(built(SITE + FOREIGN + sidecar(*hosts, mode="ALLOW_ANY")).mesh, asked)
    assert bool(passing.undecided) is not served


def test_rules_that_are_known_lead_to_services_that_are_not(built) -> None:
    mesh = built(SITE + ROUTED + sidecar("*/*", "~shop/*")).mesh
    found = predict(mesh, parse("http://api.shop.svc.cluster.local/"))
    assert [one.destination for one in found.arms] == ["web.shop"]
    assert "no pod stands behind" in found.arms[0].note
    assert predict(mesh, parse("http://web.shop/")).status == 502


def test_a_rule_that_is_not_known_decides_nothing(built) -> None:
    mesh = built(SITE + ROUTED + sidecar("shop/*")).mesh
    assert [one.destination for one in predict(mesh, parse("http://api.shop/")).arms] == ["api.shop"]


def test_which_sidecar_applies(built) -> None:
    selecting = "  workloadSelector: {labels: {app: client}}\n"
    several = (
        sidecar("ops/*", name="newer", made=NEWER)
        + sidecar("shop/*", name="older", made=OLDER)
        + sidecar("./*", name="own", made=NEWER, more=selecting)
        + sidecar("~/*", name="root", namespace="istio-system")
    )
    mesh = built(SITE + several).mesh
    assert known(mesh) == {"web.shop", "api.shop"}
    assert known(mesh, labels={"app": "client", "more": "x"}) == {"here.default"}
    assert known(mesh, "elsewhere") == set()
    assert known(built(SITE + sidecar("./*", namespace="istio-system")).mesh, "shop") == {"web.shop", "api.shop"}
    other = built(SITE + sidecar("./*", more="  workloadSelector: {labels: {app: other}}\n")).mesh
    assert known(other) == ALL


def test_gateways_know_all(built) -> None:
    front = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""
    routed = ROUTED.replace("  http:", "  gateways: [front]\n  http:")
    mesh = built(SITE + front + routed + sidecar("~/*", namespace="istio-system")).mesh
    asked = Request("GET", "api.shop.svc.cluster.local", 80, gateway="default/front")
    assert [one.destination for one in predict(mesh, asked).arms] == ["web.shop"]


def test_what_is_not_imported_may_be_passed_on(built) -> None:
    """Istio's own default lets requests to unknown hosts through, as if there were no mesh."""
    mesh = built(SITE + sidecar("ops/*", mode="ALLOW_ANY")).mesh
    (found,) = undecided(mesh, predict(mesh, parse("http://web.shop/")))
    assert found.subject == "Sidecar default/s"
    assert "passed on unless" in found.why
    assert not undecided(mesh, predict(mesh, parse("http://admin.ops/")))


@pytest.mark.parametrize(
    ("more", "sent", "received"),
    [
        ("  ingress: [{port: {number: 80, protocol: HTTP, name: http}}]\n", False, True),
        ("  inboundConnectionPool: {tcp: {maxConnections: 1}}\n", False, True),
        ("  egress: [{port: {number: 80, protocol: TCP, name: http}, hosts: ['*/*']}]\n", True, False),
        ("  egress: [{port: {number: 80, protocol: HTTP, name: h}, bind: 127.0.0.1, hosts: ['*/*']}]\n", True, False),
        ("  egress: [{captureMode: NONE, hosts: ['*/*']}]\n", True, False),
    ],
)
def test_what_is_not_modelled_costs_the_pods_that_it_selects(built, more: str, sent: bool, received: bool) -> None:
    selecting = "  workloadSelector: {labels: {app: greeter}}\n"
    mesh = built(SITE + sidecar(more=more + selecting)).mesh

    def touched(labels: dict[str, str], host: str) -> bool:
        expected = predict(mesh, parse(f"http://{host}/"), source("default", labels))
        return bool(Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected, source("default", labels))))

    # Pods that are not among the manifests receive it.
    assert touched({"app": "greeter"}, "nobody") is sent
    assert touched({}, "here") is received


@pytest.mark.parametrize(
    "listener",
    [
        "port: {number: 80, protocol: TCP, name: e}",
        "port: {number: 80}",
        "port: {number: 80, protocol: HTTP}, bind: 127.0.0.1",
        "port: {number: 80, protocol: HTTP}, captureMode: NONE",
        "port: {number: 80, protocol: HTTP_PROXY}",
    ],
)
def test_a_listener_for_one_port_beside_the_others_costs_that_port_alone(built, listener: str) -> None:
    more = f'  egress: [{{{listener}, hosts: ["ops/*"]}}, {{hosts: ["shop/*"]}}]\n'
    other = SITE.replace("port: 80", "port: 81").replace("name: web", "name: web81").replace("name: api", "name: api81")
    mesh = built(SITE + other.split("---")[1].join(["---", ""]) + sidecar(more=more)).mesh

    def told(url: str) -> bool:
        expected = predict(mesh, parse(url))
        return bool(Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected)))

    assert told("http://web.shop/")
    assert told("http://admin.ops/")
    assert not told("http://web81.shop:81/")
    assert predict(mesh, parse("http://web81.shop:81/")).arms
    # What the listener of port 80 has is nothing to other ports.
    assert predict(mesh, parse("http://admin.ops:81/")).status == 502


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{}", "says something"),
        ("{egress: []}", "says something"),
        ("{egress: [{hosts: []}]}", "names hosts"),
        ("{egress: [{hosts: [web]}]}", "not namespace/host"),
        ("{egress: [{hosts: ['/web.shop']}]}", "not namespace/host"),
        ("{egress: [{hosts: ['Shop/*']}]}", "the namespace 'Shop'"),
        ("{egress: [{hosts: ['shop/*web']}]}", "not a host name"),
        ("{egress: [{hosts: ['*/*']}, {hosts: ['./*']}]}", "a second egress listener"),
        ("{egress: [{hosts: ['*/*']}, {hosts: ['./*'], port: {number: 80}}]}", "is the last one"),
        ("{egress: [{hosts: ['*/*'], capture: NONE}]}", "no field 'capture'"),
        (
            "{egress: [{hosts: ['*/*'], port: {number: 80, protocol: HTTP}}, {hosts: ['./*'], port: {number: 80}}]}",
            "a second egress listener for port 80",
        ),
    ],
)
def test_what_istiod_refuses(built, spec: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        built(
            f"apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: s}}\nspec: {spec}\n", proxyless=True
        )
