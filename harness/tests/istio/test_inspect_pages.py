"""What the inspection of an installation asks of pods and pages, and what it makes of their answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from typing import Any

import pytest
from accepting import accepting
from held_port import held_port
from installation_pages import FORBIDDEN, PORTFORWARD, pod
from meshproof.border.facts.installation import Balance
from meshproof.errors import TargetError
from meshproof.targets.istio.inspection import balance, kube_proxy


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
