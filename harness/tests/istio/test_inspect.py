"""The facts of an installation are gathered from a cluster; one that cannot be read does not stop the others."""

from __future__ import annotations

import asyncio
from typing import Any

from installation_pages import FORBIDDEN, PORTFORWARD, READY, pod
from meshproof.border.facts.installation import GatewayFact, Message, NodeFact, PodFact, Specified
from meshproof.border.verdict import Outcome
from meshproof.judge.installation.istio import AnalysisClean
from meshproof.targets.istio.inspection.inspector import Inspector
from meshproof.targets.kube import ownership


def test_all_facts_are_gathered(installed: Any, api: Any, programs: Any) -> None:
    api.webhook = lambda body: {**body, "spec": {"containers": [{"name": "istio-proxy", "image": "hub.example/p:1"}]}}
    facts = asyncio.run(installed().facts())
    assert (facts.kubernetes, facts.istio, facts.istioctl) == ("v1.35.0", "1.30.4", "1.30.4")
    assert facts.nodes == tuple(
        NodeFact(f"node-{number}", True, "6.1.0-18-amd64", "v1.35.2", "ipvs", "running") for number in (1, 2)
    )
    assert facts.pods is not None
    assert {one.name: one.hindrance for one in facts.pods} == {
        "istiod-1": "",
        "gateway-1": "container istio-proxy waits: ErrImagePull",
    }
    assert facts.pods[0] == PodFact("istiod-1", {"discovery": "hub.example/pilot:1.30.4"})
    assert facts.sidecar == "hub.example/p:1"
    assert facts.gateways == (GatewayFact("istio-ingressgateway", ("node port 30080",), 200),)
    assert facts.messages == (Message("IST0102", "Info", "Namespace x", "not injected"),)
    assert facts.definitions is not None
    assert {one.name: one.served for one in facts.definitions}["gateways.networking.istio.io"] == ("v1beta1",)
    assert set(facts.unknown) == {"balance"}
    asked = {path for method, path in api.calls if path.endswith("/portforward")}
    pods = (("kube-system", "kube-proxy-1"), ("kube-system", "kube-proxy-2"), ("istio-system", "gateway-1"))
    assert asked == {PORTFORWARD.format(*pod) for pod in pods}
    assert programs.calls("kubectl") == []
    assert programs.alive() == []


def test_analyze_errors_count_everywhere_but_in_namespaces_of_runs(installed: Any, api: Any) -> None:
    api.put("Namespace", "run-2", metadata={"labels": ownership.labels("2")})
    wrong = {"code": "IST0101", "level": "Error", "message": "Referenced host not found"}
    reported = [{**wrong, "origin": f"VirtualService {place}/a"} for place in ("shop", "run-2")]
    facts = asyncio.run(installed(analysis=f"tell({reported!r})").facts())
    assert facts.messages == (Message("IST0101", "Error", "VirtualService shop/a", "Referenced host not found"),)
    verdict = AnalysisClean().judge(facts)
    assert verdict.outcome is Outcome.FAILED
    assert "IST0101 VirtualService shop/a" in verdict.reason


def test_a_missing_right_to_analyze_is_noted_with_the_role_that_grants_it(installed: Any) -> None:
    body = 'sys.exit(\'Error: secrets is forbidden: User "me" cannot list resource "secrets"\')'
    facts = asyncio.run(installed(analysis=body).facts())
    assert facts.messages is None
    assert "messages" not in facts.unknown
    assert "role meshproof-analyze of docs/rbac.yaml" in facts.withheld["messages"]


def test_analyze_is_not_started_without_the_right_to_watch(installed: Any, api: Any, programs: Any) -> None:
    api.withheld = ("secrets",)
    facts = asyncio.run(installed().facts())
    assert facts.messages is None
    assert facts.withheld["messages"].startswith("istioctl analyze watches all secrets, which this user may not; an")
    assert programs.calls("istioctl") == []


def test_a_fact_that_cannot_be_read_is_noted_with_the_reason(installed: Any, api: Any) -> None:
    for pod_there in (("kube-system", "kube-proxy-1"), ("istio-system", "gateway-1")):
        api.refuse[PORTFORWARD.format(*pod_there)] = FORBIDDEN
    words = {"kind": "Status", "reason": "Forbidden", "message": "nodes is forbidden"}
    api.refuse["/api/v1/namespaces/run-1/pods/meshproof-injected"] = (403, words)
    facts = asyncio.run(installed(analysis="sys.exit('no rights')").facts())
    assert (facts.sidecar, facts.messages) == (None, None)
    assert "forbidden" in facts.unknown["sidecar"]
    assert "no rights" in facts.unknown["messages"]
    assert facts.gateways is not None
    assert (facts.gateways[0].status, "forbidden" in facts.gateways[0].error) == (0, True)
    # One kube-proxy does not answer, and there is no ConfigMap: the modes are unknown.
    assert facts.nodes is not None
    assert {one.kube_proxy for one in facts.nodes} == {""}
    assert "ConfigMap" in facts.unknown["kube_proxy"]


def test_a_gateway_without_a_pod_that_runs_is_reported(installed: Any, api: Any) -> None:
    api.objects["/api/v1/namespaces/istio-system/pods/gateway-1"]["status"]["phase"] = "Pending"
    [found] = asyncio.run(installed()._gateways())
    assert found.status == 0
    labels = "app=istio-ingressgateway,istio=ingressgateway"
    assert found.error == f"Service istio-ingressgateway selects no pod that runs ({labels})"


def test_the_gateways_pod_that_is_ready_is_asked(installed: Any, api: Any) -> None:
    labels = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    pod(api, "gateway-2", "istio-system", labels, status={"phase": "Running", **READY})
    api.node.leads["gateway-2:15021"] = api.node.leads["gateway-1:15021"]
    [found] = asyncio.run(installed()._gateways())
    assert found.status == 200
    asked = {path for method, path in api.calls if path.endswith("/portforward")}
    assert asked == {PORTFORWARD.format("istio-system", "gateway-2")}


def test_a_cluster_without_istio_has_no_version(cluster: Any) -> None:
    facts = asyncio.run(Inspector(cluster(), None, Specified(), "run-1", "r1").facts())
    assert (facts.istio, facts.istioctl, facts.pods, facts.gateways) == ("", "", (), ())
    assert "istioctl" in facts.unknown["messages"]


def test_a_fact_that_takes_too_long_is_given_up(installed: Any) -> None:
    facts = asyncio.run(installed(analysis="time.sleep(60)", istio_inspected=3).facts())
    assert facts.messages is None
    assert facts.unknown["messages"] == "no answer within 3 s"
