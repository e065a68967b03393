"""The facts of an installation are gathered from a cluster; one that cannot be read does not stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from accepting import accepting
from held_port import held_port
from meshproof.border.facts.installation import Balance, GatewayFact, Message, NodeFact, PodFact, Specified
from meshproof.border.verdict import Outcome
from meshproof.errors import TargetError
from meshproof.judge.installation.istio import AnalysisClean
from meshproof.targets.istio.inspection import balance, kube_proxy
from meshproof.targets.istio.inspection.inspector import Inspector
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.kube import ownership

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
ANALYSIS = [{"code": "IST0102", "level": "Info", "origin": "Namespace x", "message": "not injected", "other": 1}]
# kubectl as far as it is used: it runs the balance client in a pod.
KUBECTL = """
assert "exec" in args, args
assert args[-5:] == ["10.96.0.7", "8080", "64", "2", "10.0"], args[-5:]
tell({"answers": {"meshproof-balance-1": 31, "meshproof-balance-2": 33}, "error": ""})
"""
PORTFORWARD = "/api/v1/namespaces/{}/pods/{}/portforward"
FORBIDDEN = (403, {"kind": "Status", "reason": "Forbidden", "message": "pods/portforward is forbidden"})


@pytest.fixture
def pages(api: Any) -> Iterator[dict[str, str]]:
    """What the pods' pages say, by path: the readiness page, and a kube-proxy's mode."""
    known = {"/proxyMode": "ipvs", "/healthz/ready": "live"}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reported = known.get(self.path, "")
            self.send_response(200 if reported else 404)
            self.send_header("content-length", str(len(reported)))
            self.end_headers()
            self.wfile.write(reported.encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    pods = ("kube-proxy-1:10249", "kube-proxy-2:10249", "gateway-1:15021")
    api.node.leads |= dict.fromkeys(pods, server.server_port)
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


def node(api: Any, name: str) -> None:
    info = {"kernelVersion": "6.1.0-18-amd64", "kubeletVersion": "v1.35.2"}
    api.put("Node", name, status={"nodeInfo": info, **READY})


def pod(
    api: Any, name: str, namespace: str, labels: Any, containers: Any = (), status: Any = None, **spec: Any
) -> None:
    spec = {"containers": [{"name": name, "image": image} for name, image in dict(containers).items()], **spec}
    api.put("Pod", name, namespace, metadata={"labels": labels}, spec=spec, status=status or READY)


@pytest.fixture
def installed(api: Any, cluster: Any, programs: Any, pages: dict[str, str]) -> Any:
    """A whole installation on two nodes; the inspector of it."""
    for number in ("1", "2"):
        node(api, f"node-{number}")
        pod(api, f"kube-proxy-{number}", "kube-system", {"k8s-app": "kube-proxy"}, nodeName=f"node-{number}")
    containers = [{"name": "discovery", "image": "hub.example/pilot:1.30.4"}]
    spec = {"template": {"spec": {"containers": containers}}}
    api.put("Deployment", "istiod", "istio-system", metadata={"labels": {"app": "istiod"}}, spec=spec)
    pod(api, "istiod-1", "istio-system", {"app": "istiod"}, {"discovery": "hub.example/pilot:1.30.4"})
    waiting = {
        "phase": "Running",
        "containerStatuses": [{"name": "istio-proxy", "state": {"waiting": {"reason": "ErrImagePull"}}}],
    }
    labels = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    pod(api, "gateway-1", "istio-system", labels, {"istio-proxy": "hub.example/proxyv2:1.30.4"}, waiting)
    pod(api, "prometheus-1", "istio-system", {"app": "prometheus"}, {"prometheus": "docker.io/prom/prometheus"})
    ports = [{"port": 80, "nodePort": 30080}, {"port": 15021}]
    api.put(
        "Service",
        "istio-ingressgateway",
        "istio-system",
        metadata={"labels": labels},
        spec={"ports": ports, "selector": labels},
    )

    def make(image: str = "", analysis: str = f"tell({ANALYSIS!r})", **limits: float) -> Inspector:
        istioctl = Istioctl(programs.make("istioctl", analysis), "1.30.4", (), "lab")
        there = cluster(KUBECTL, **limits)
        return Inspector(there, istioctl, Specified(hub="hub.example"), "run-1", "r1", image)

    return make


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


def test_the_mode_of_a_kube_proxy_that_does_not_answer_is_the_configured_one(installed: Any, api: Any) -> None:
    api.refuse[PORTFORWARD.format("kube-system", "kube-proxy-1")] = FORBIDDEN
    api.put("ConfigMap", "kube-proxy", "kube-system", data={"config.conf": "kind: K\nmode: nftables\n"})
    modes = asyncio.run(kube_proxy.modes(installed().cluster))
    assert modes == {"node-1": ("nftables", "configured"), "node-2": ("ipvs", "running")}


@pytest.mark.parametrize(("text", "mode"), [("mode: ipvs", "ipvs"), ('mode: ""', "iptables"), ("kind: K", "iptables")])
def test_no_mode_in_the_configuration_is_the_default(cluster: Any, api: Any, text: str, mode: str) -> None:
    api.put("ConfigMap", "kube-proxy", "kube-system", data={"config.conf": text})
    assert asyncio.run(kube_proxy.configured(cluster())) == mode


def test_a_cluster_without_kube_proxy_is_reported(cluster: Any) -> None:
    with pytest.raises(TargetError, match="there are no pods k8s-app=kube-proxy"):
        asyncio.run(kube_proxy.modes(cluster()))


def test_a_cluster_without_istio_has_no_version(cluster: Any) -> None:
    facts = asyncio.run(Inspector(cluster(), None, Specified(), "run-1", "r1").facts())
    assert (facts.istio, facts.istioctl, facts.pods, facts.gateways) == ("", "", (), ())
    assert "istioctl" in facts.unknown["messages"]


def test_a_fact_that_takes_too_long_is_given_up(installed: Any) -> None:
    facts = asyncio.run(installed(analysis="time.sleep(60)", istio_inspected=3).facts())
    assert facts.messages is None
    assert facts.unknown["messages"] == "no answer within 3 s"


def test_a_cluster_ip_is_asked_from_a_pod_without_a_sidecar(installed: Any, api: Any) -> None:
    """Does what a real cluster would do with the objects: an address, and pods that are ready."""
    inspector = installed("registry.example/meshproof:1")

    async def measure() -> Balance | None:
        task = asyncio.create_task(inspector._balance())
        root = "/apis/apps/v1/namespaces/run-1/deployments"
        await asyncio.to_thread(api.until, f"{root}/meshproof-balance-client")
        await asyncio.to_thread(api.until, f"{root}/meshproof-balance")
        api.objects["/api/v1/namespaces/run-1/services/meshproof-balance"]["spec"]["clusterIP"] = "10.96.0.7"
        for app, count in (("meshproof-balance", 2), ("meshproof-balance-client", 1)):
            for number in range(1, count + 1):
                pod(api, f"{app}-{number}", "run-1", {"app": app})
            status = {"updatedReplicas": count, "availableReplicas": count, "replicas": count}
            api.objects[f"{root}/{app}"]["status"] = status
        return await task

    found = asyncio.run(measure())
    names = ("meshproof-balance-1", "meshproof-balance-2")
    assert found == Balance(names, 64, {"meshproof-balance-1": 31, "meshproof-balance-2": 33})
    left = [path for path in api.objects if "run-1" in path and "/pods/" not in path]
    assert left == []


def test_the_pods_that_balance_are_kept_out_of_the_mesh_and_have_no_rights() -> None:
    service, *deployments = balance.manifests("run-1", "registry.example/meshproof:1")
    assert service["spec"]["selector"] == {"app": "meshproof-balance"}
    for one in deployments:
        template = one["spec"]["template"]
        assert template["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
        assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
        assert template["spec"]["automountServiceAccountToken"] is False
        assert template["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] is True


def test_the_balance_server_and_client_work_with_each_other(tmp_path: Any) -> None:
    """Both programs of the pods, run on this machine."""
    with held_port() as port:
        serve = balance.SERVE.replace(str(balance.PORT), str(port))
        server = subprocess.Popen([sys.executable, "-c", serve])
        try:
            connected = False
            while not connected:
                assert server.poll() is None
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                    connected = True
            command = [sys.executable, "-c", balance.ASK, "127.0.0.1", str(port), "5", "1", "10.0"]
            reported = json.loads(subprocess.check_output(command, timeout=30))
        finally:
            server.terminate()
            server.wait(30)
    assert reported == {"answers": {socket.gethostname(): 5}, "error": ""}


def answering(reply: bytes) -> Any:
    """Where each connection is answered with these bytes, whatever is asked."""

    def take(connection: Any) -> None:
        with connection:
            connection.recv(1 << 16)
            connection.sendall(reply)

    return accepting(take)


def test_a_page_of_this_machine_is_asked_for_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        answering(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n") as proxy,
        answering(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlive") as page,
    ):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy[1]}")
        assert asyncio.run(kube_proxy.fetch(page[1], "/ready", 5)) == (200, "live")


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with (
        answering(b"SSH-2.0-OpenSSH\r\n") as page,
        pytest.raises(TargetError, match="what answers to /ready does not speak HTTP"),
    ):
        asyncio.run(kube_proxy.fetch(page[1], "/ready", 5))
