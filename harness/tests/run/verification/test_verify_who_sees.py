"""Sidecars, DestinationRules and `exportTo` that one client meets and another does not: each is sent for by both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.mesh.requests.clients.apart import ELSEWHERE
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE


def service(name: str, place: str, annotations: str = "{}") -> str:
    return f"""---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {place}, annotations: {annotations}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
"""


def pods(name: str, place: str) -> str:
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {place}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: example/c, ports: [{{containerPort: 8080}}]}}]}}
"""


def istio(kind: str, place: str, spec: str) -> str:
    return f"""---
apiVersion: networking.istio.io/v1
kind: {kind}
metadata: {{name: one, namespace: {place}}}
spec: {spec}
"""


CLOSED = "egress: [{hosts: ['./*']}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}"
OPEN = "egress: [{hosts: ['./*']}]"
LIMITS = "trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}"
SELECTING = "workloadSelector: {matchLabels: {a: b}}"
HEADERS = "hosts: [web], http: [{headers: {request: {set: {x-a: b}}}, route: [{destination: {host: web}}]}]"
PODS = pods("web", "default") + pods("far", "lab")
MESH = service("web", "default") + service("far", "lab") + PODS

Verify = Callable[..., Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Prepare a verification of the first manifests, with the others applied where there are any."""

    def make(specified: str, applied: str = "", *, any_client: bool = True, sender: str = "") -> Verification:
        for name, text in (("specified", specified), ("applied", applied)):
            (tmp_path / f"{name}.yaml").write_text(text)
        other = [str(tmp_path / "applied.yaml")] if applied else []
        spec = [str(tmp_path / "specified.yaml")]
        return prepare_verification(spec, other, [], SURE, any_client=any_client, sender=sender)

    return make


def sent(found: Verification) -> dict[str, dict[str, list[str]]]:
    """By the name of each load of samples or probes its requests with the workloads that are to answer each."""
    return {
        one.name: {
            str(each.request): sorted(key for arm in each.arms for key in arm.workloads) for each in one.plan.stages[0]
        }
        for one in found.driven
        if one.name.startswith(("verify", "boundaries from"))
    }


@pytest.mark.parametrize(
    ("more", "client", "expected"),
    [
        (
            istio("Sidecar", "default", f"{{workloadSelector: {{labels: {{app: cli}}}}, {CLOSED}}}"),
            "default/app=cli",
            {"boundaries from": {"GET http://far.lab/": []}},
        ),
        (istio("Sidecar", "lab", f"{{{CLOSED}}}"), "lab", {"boundaries from": {"GET http://web.default/": []}}),
        (
            istio(
                "DestinationRule", "default", f"{{host: web, workloadSelector: {{matchLabels: {{a: b}}}}, {LIMITS}}}"
            ),
            "default/a=b",
            {"verify from": {"GET http://web.default/": ["default/web"]}},
        ),
        (
            istio("DestinationRule", "lab", f"{{host: web.default.svc.cluster.local, {LIMITS}}}"),
            "lab",
            {"verify from": {"GET http://web.default/": ["default/web"]}},
        ),
        (
            istio("DestinationRule", "default", f"{{host: web, exportTo: ['.'], {LIMITS}}}"),
            "lab",
            {"verify from": {"GET http://web.default/": ["default/web"]}},
        ),
        (
            istio("VirtualService", "default", f"{{exportTo: ['.'], {HEADERS}}}"),
            "lab",
            {"verify from": {"GET http://web.default/": ["default/web"]}},
        ),
    ],
)
def test_a_client_that_is_told_apart_sends_what_it_gets_otherwise(
    verify: Verify, more: str, client: str, expected: dict[str, dict[str, list[str]]]
) -> None:
    found = sent(verify(MESH + more))
    usual = found.pop("verify")
    assert usual == {"GET http://web/": ["default/web"], "GET http://far.lab/": ["lab/far"]}
    further = {name: several for name, several in found.items() if name.endswith(f" {client}")}
    assert {name.removesuffix(f" {client}"): each for name, each in further.items()} == expected
    assert found == further


def test_what_is_exported_to_its_own_namespace_is_asked_for_from_another(verify: Verify) -> None:
    alone = service("web", "default", "{networking.istio.io/exportTo: '.'}") + pods("web", "default")
    assert sent(verify(alone))[f"boundaries from {ELSEWHERE}"] == {"GET http://web.default/": []}


def test_who_sees_what_is_asked_of_what_is_applied_too(verify: Verify) -> None:
    narrowed = service("web", "default", "{networking.istio.io/exportTo: '.'}") + service("far", "lab") + PODS
    assert sent(verify(MESH, narrowed))["verify from lab"] == {"GET http://web.default/": ["default/web"]}


def test_the_rules_of_each_of_many_teams_are_asked_for_by_its_own_client(verify: Verify) -> None:
    """Each keeps its rules to itself, as `exportTo: ["."]` does."""
    places = [f"team{number}" for number in range(40)]
    teams = (
        service("web", place) + pods("web", place) + istio("VirtualService", place, f"{{exportTo: ['.'], {HEADERS}}}")
        for place in places
    )
    found = verify("".join(teams))
    assert found.coverage.unreached == ()
    assert sent(found).keys() >= {f"verify from {place}" for place in places}


@pytest.mark.parametrize("place", ["default", "lab"])
def test_a_sidecar_that_is_not_applied_is_found(verify: Verify, driven, tmp_path: Path, place: str) -> None:
    found = verify(MESH + istio("Sidecar", place, f"{{{CLOSED}}}"), MESH)
    loads = [one for one in found.driven if one.name.startswith("boundaries")]
    (verdicts,) = driven(tmp_path, loads)
    failed = [one for one in verdicts if one.outcome is Outcome.FAILED]
    assert len(failed) == 1
    assert "but 502 by the proxy is specified (the Sidecar of the client does not import" in failed[0].reason


def test_what_a_sidecar_passes_on_shows_nothing(verify: Verify) -> None:
    open_sidecar = istio("Sidecar", "lab", f"{{{OPEN}}}")
    assert set(sent(verify(MESH + open_sidecar))) == {"verify"}
    missing = verify(MESH + open_sidecar, MESH).coverage.dependences
    assert [(one.subject, one.requests) for one in missing] == [("Sidecar lab/one", ("GET http://web.default/",))]


@pytest.mark.parametrize("dropped", [OPEN, OPEN.replace("./*", "*/*', '~lab/*")])
def test_what_a_sidecar_of_the_usual_client_passes_on_is_not_proved_where_it_is_not_applied(
    verify: Verify, dropped: str
) -> None:
    own = MESH + istio("Sidecar", "default", f"{{{dropped}}}")
    assert verify(own).coverage.dependences == ()
    (told,) = verify(own, MESH).coverage.dependences
    assert (told.subject, told.requests) == ("Sidecar default/one", ("GET http://far.lab/",))


def test_where_no_other_client_can_send_it_is_not_proved(verify: Verify) -> None:
    found = verify(MESH + istio("Sidecar", "lab", f"{{{CLOSED}}}"), any_client=False).coverage
    ((_, why),) = found.unreached
    assert why == "Sidecar lab/one treats a client lab otherwise than default: name it with --from"


def test_who_names_the_client_is_told_of_others(verify: Verify) -> None:
    found = verify(MESH + istio("Sidecar", "lab", f"{{{CLOSED}}}"), sender="default")
    assert found.coverage.unreached == ()
    assert [one.message for one in found.notices if "--from" in one.message] == [
        "Sidecar lab/one treats a client lab otherwise than default: name it with --from"
    ]


def test_a_route_for_the_clients_of_its_own_namespace_is_shown_by_one_of_them(verify: Verify) -> None:
    route = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: consumer, namespace: lab}
spec:
  parentRefs: [{group: "", kind: Service, name: web, namespace: default, port: 80}]
  rules: [{backendRefs: [{name: far, port: 80}]}]
"""
    found = verify(MESH + route)
    assert found.coverage.unreached == ()
    assert sent(found)["verify from lab"] == {"GET http://web.default/": ["lab/far"]}


TWO_PORTS = "ports: [{name: http, port: 80, targetPort: 8080}, {name: http-more, port: 81, targetPort: 8080}]"


@pytest.mark.parametrize("match", ["", "match: [{uri: {exact: /only}}], "])
def test_each_port_of_a_service_is_called_also_where_a_rule_decides_all_of_them(verify: Verify, match: str) -> None:
    mesh = MESH.replace("ports: [{name: http, port: 80, targetPort: 8080}]", TWO_PORTS, 1)
    rule = istio(
        "VirtualService", "default", f"{{hosts: [web], http: [{{{match}route: [{{destination: {{host: web}}}}]}}]}}"
    )
    path = "/only" if match else "/"
    asked = sent(verify(mesh + rule))["verify"]
    assert {name for name in asked if "//web" in name} == {f"GET http://web{path}", f"GET http://web:81{path}"}


def test_settings_of_a_port_that_are_not_applied_are_found(verify: Verify) -> None:
    mesh = MESH.replace("ports: [{name: http, port: 80, targetPort: 8080}]", TWO_PORTS, 1)
    mesh += istio("VirtualService", "default", "{hosts: [web], http: [{route: [{destination: {host: web}}]}]}")
    limit = "connectionPool: {tcp: {maxConnections: 1}}"
    port = f"{{host: web, trafficPolicy: {{portLevelSettings: [{{port: {{number: 81}}, {limit}}}]}}}}"
    found = verify(mesh + istio("DestinationRule", "default", port))
    assert [one.name for one in found.driven if "ConnectionPool" in one.name] == ["ConnectionPool web.default"]


def mesh_config(mode: str) -> str:
    return f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data: {{mesh: "outboundTrafficPolicy: {{mode: {mode}}}"}}
"""


def sidecar(mode: str) -> str:
    return istio("Sidecar", "default", f"{{{CLOSED}}}".replace("REGISTRY_ONLY", mode))


@pytest.mark.parametrize("form", [mesh_config, sidecar])
def test_what_becomes_of_unknown_hosts_is_not_proved_where_it_is_applied_otherwise(
    verify: Verify, form: Callable[[str], str]
) -> None:
    closed, opened = MESH + form("REGISTRY_ONLY"), MESH + form("ALLOW_ANY")
    assert not [one for one in verify(closed, closed).coverage.dependences if "outbound" in one.why]
    (told,) = (one for one in verify(closed, opened).coverage.dependences if "other side" in one.why)
    assert told.why == "outboundTrafficPolicy is not REGISTRY_ONLY, and on the other side it is: no request shows it"


OFF = "sidecar.istio.io/inject: 'false'"
AMBIENT = """---
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio.io/dataplane-mode: ambient%s}}
"""


def test_what_a_namespace_in_ambient_mode_sends_is_not_proved_where_there_are_rules(verify: Verify) -> None:
    rule = istio("VirtualService", "default", f"{{{HEADERS}}}")
    (told,) = verify(MESH + rule + AMBIENT % "").coverage.dependences
    assert told.subject == "Namespace default"
    assert "GET http://web/" in told.requests
    for without in (MESH + AMBIENT % "", MESH + rule + AMBIENT % ", istio-injection: enabled"):
        assert verify(without).coverage.dependences == ()


def test_what_pods_without_a_sidecar_send_is_not_proved_and_costs_nobody_else(verify: Verify) -> None:
    rule = istio("VirtualService", "default", f"{{{HEADERS}}}")
    said = f"metadata: {{labels: {{app: far}}, annotations: {{{OFF}}}}}"
    without = PODS.replace("metadata: {labels: {app: far}}", said)
    mesh = service("web", "default") + service("far", "lab") + without + rule
    assert verify(mesh).coverage.dependences == ()
    (told,) = verify(mesh, sender="lab/far").coverage.dependences
    assert (told.subject, bool(told.requests)) == ("Deployment lab/far", True)


def test_a_sidecar_that_is_not_modelled_costs_nothing_that_enters_by_a_gateway(verify: Verify) -> None:
    entering = istio(
        "Gateway",
        "default",
        "{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}]}",
    ) + istio("VirtualService", "default", f"{{gateways: [one], {HEADERS.replace('[web]', '[a.example.com]')}}}")
    listener = istio(
        "Sidecar", "istio-system", "{egress: [{hosts: ['*/*'], port: {number: 80, protocol: HTTP, name: h}}]}"
    )
    ((told,),) = (verify(MESH + entering + listener).coverage.dependences,)
    assert told.requests
    assert not [one for one in told.requests if "gateway" in one]
