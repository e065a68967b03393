"""What a scenario's requests become before anything is started: by their client, and by the way that they enter."""

from __future__ import annotations

from pathlib import Path

from meshproof.border.load import PROBES, Derived, Load
from meshproof.border.request import Request, parse
from meshproof.border.verdict import Precision
from meshproof.judge import Answers
from meshproof.run.prepare import Prepared, prepare
from meshproof.scenario import Scenario

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: c, image: example/shop}]}}
---
"""
MESH = (
    WORKLOAD.replace("NAME", "web")
    + WORKLOAD.replace("NAME", "tester")
    + """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - {match: [{sourceLabels: {app: tester}, uri: {prefix: /tested}}], route: [{destination: {host: web}}]}
  - route: [{destination: {host: web}}]
---
"""
)
FILTER = """\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: sending}
spec:
  workloadSelector: {labels: {app: tester}}
  configPatches:
  - {applyTo: HTTP_FILTER, match: {context: SIDECAR_OUTBOUND}, patch: {operation: ADD, value: {name: any}}}
"""


EDGE = """\
apiVersion: v1
kind: Service
metadata: {name: entry}
spec: {selector: {istio: entry}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: entry}
spec:
  selector: {matchLabels: {istio: entry}}
  template: {metadata: {labels: {istio: entry}}, spec: {containers: [{name: istio-proxy, image: auto}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: entry}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec: {hosts: [shop.example], gateways: [edge], http: [{route: [{destination: {host: web}}]}]}
"""


def prepared(folder: Path, text: str, client: str, send: str | Request | Derived = "GET http://web/") -> Prepared:
    (folder / "mesh.yaml").write_text(text)
    scenario = Scenario(
        name="sent",
        description="What a client sends.",
        manifests=["mesh.yaml"],
        load=Load("steady", send),
        expect=[Answers()],
        client=client,
    )
    return prepare(scenario, folder, Precision())


def test_what_is_for_the_clients_pods_alone_is_not_understood_of_what_they_send(tmp_path: Path) -> None:
    found = prepared(tmp_path, MESH + FILTER, "tester").dependences
    assert [one.subject for one in found] == ["EnvoyFilter default/sending"]
    assert not prepared(tmp_path, MESH + FILTER, "").dependences


def test_derived_requests_are_those_of_the_scenarios_client(tmp_path: Path) -> None:
    assert {one.path for one in prepared(tmp_path, MESH, "tester", PROBES).load.requests} >= {"/tested", "/testedx"}


def test_the_port_of_the_gateways_service_leads_to_its_server(tmp_path: Path) -> None:
    (expected,) = prepared(tmp_path, MESH + EDGE, "", parse("GET http://shop.example/", gateway="edge")).plan.stages[0]
    assert str(expected.request) == "GET http://shop.example:8080/ host:shop.example (by gateway default/edge)"
    assert [one.destination for one in expected.arms] == ["web.default"]
