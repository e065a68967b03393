"""What is saved of a mesh that failed: everything that can be read, and for the rest the reason."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.targets.cluster.mesh.mesh import KubeMesh
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.istio.proxy.sidecar import Sidecar

KUBECTL = """
if "exec" in args:
    gateway = args[args.index("exec") + 1]
    if gateway == "gateway-dead":
        sys.exit("error: container not found")
    print('{"configs": []}' if "config_dump" in args[-1] else "listener.a: 3")
elif "logs" in args:
    print("said by", *[one for one in args if not one.startswith("-")][-3:])
else:
    print("kubectl", *args[args.index("--namespace"):])
"""
PULLING = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "restartCount": 0}
RUNS = {"state": {"running": {}}, "restartCount": 0}


@pytest.fixture
def shared(cluster: Any, api: Any, programs: Any) -> Any:
    there = cluster(KUBECTL)
    statuses = [{"name": "locust", **PULLING}, {"name": "istio-proxy", **RUNS}]
    api.put("Pod", "meshproof-client-1", "run", status={"containerStatuses": statuses})
    kubectl = there.kubectl.within("istio-system")
    gateways = {name: Sidecar(kubectl, f"gateway-{name}", there.timeouts) for name in ("alive", "dead")}
    return SimpleNamespace(
        cluster=there,
        namespace="run",
        timeouts=there.timeouts,
        clients={},
        probes={},
        gateways=SimpleNamespace(proxies=lambda: gateways),
        istioctl=Istioctl(programs.make("istioctl", "print('NAME  CDS')"), "1.30.4", (), "lab"),
    )


def kept(shared: Any, folder: Path) -> dict[str, str]:
    asyncio.run(KubeMesh("shop", shared).save_state(folder))
    return {path.name: path.read_text() for path in (folder / "shop").iterdir()}


def test_the_rest_is_saved_where_the_client_never_came_up(shared: Any, tmp_path: Path) -> None:
    reported = kept(shared, tmp_path)
    assert set(reported) == {
        *(f"{name}.{what}.json" for name in ("alive", "dead") for what in ("config_dump", "stats")),
        *("events.txt", "objects.yaml", "pods.txt", "proxy-status.txt"),
        *("istiod.log", "meshproof-client-1.istio-proxy.log"),
    }
    assert json.loads(reported["alive.config_dump.json"]) == {"configs": []}
    assert "not available" in reported["dead.config_dump.json"]
    assert "get events" in reported["events.txt"]
    assert reported["pods.txt"] == "kubectl --namespace run describe pods\n"
    assert reported["meshproof-client-1.istio-proxy.log"].startswith("said by")


def test_an_api_server_that_does_not_answer_is_reported_in_each_file(shared: Any, api: Any, tmp_path: Path) -> None:
    api.refuse["/api/v1/namespaces/run/pods"] = (403, {"message": "no"})
    reported = kept(shared, tmp_path)
    assert "meshproof-client-1.istio-proxy.log" not in reported
    assert "get events" in reported["events.txt"]
