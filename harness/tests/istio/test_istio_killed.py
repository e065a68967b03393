"""An installation that is ended by `kill -9`: removed by its cleanup process, or reported by the next run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.process import Surroundings
from meshproof.targets.istio.installation import notes, unfinished
from meshproof.targets.istio.installation.install import install
from meshproof.targets.istio.installation.plan import Plan

pytestmark = pytest.mark.long

SYSTEM = "/api/v1/namespaces/istio-system"
ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"
CLUSTER_WIDE = "mutatingwebhookconfiguration,validatingwebhookconfiguration,clusterrolebinding,clusterrole"
NAMESPACED = "deployment,daemonset,service,configmap,serviceaccount,rolebinding,role"
ISTIOCTL = """
if "version" in args:
    tell({"clientVersion": {"version": "1.30.4"}})
elif "install" in args:
    metadata = {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod"}}
    containers = [{"name": "discovery", "image": "hub.example/pilot:1.30.4"}]
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "istiod"}}}
    spec["template"] = {"spec": {"containers": containers}}
    api("POST", "/apis/apps/v1/namespaces/istio-system/deployments",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    time.sleep(60)
elif "uninstall" in args:
    api("DELETE", "/apis/apps/v1/namespaces/istio-system/deployments/istiod")
"""
KUBECTL = """
if "--client" in args:
    tell({"clientVersion": {"gitVersion": "v1.34.4"}})
elif "version" in args:
    tell({"serverVersion": {"gitVersion": "v1.34.4"}})
elif "delete" in args and "istio-system" in args and "namespace" in args:
    api("DELETE", "/api/v1/namespaces/istio-system")
"""


@pytest.fixture
def killed(programs: Any, api: Any, tmp_path: Path) -> Callable[[], None]:
    """Have the real command install Istio, and kill it meanwhile."""
    config = tmp_path / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "clusters": [{"name": "lab", "cluster": {"server": api.url}}],
                "users": [{"name": "me", "user": {"token": "s3cr3t"}}],
                "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
            }
        )
    )
    programs.make("kubectl", KUBECTL)
    programs.make("istioctl", ISTIOCTL)
    path = f"{programs.folder}:{os.environ['PATH']}"
    # It must not take itself for a worker of the pytest that runs this.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env = {**kept, "PATH": path, "TMPDIR": str(tmp_path), "ISTIOCTL_ISTIONAMESPACE": "elsewhere"}
    words = ["run", "CanarySplit", "--target", "cluster", "--context", "lab", "--kubeconfig", str(config)]
    argv = [sys.executable, "-m", "meshproof", *words, "--image", "probe:1", "--hub", "hub.example"]

    def files() -> list[str]:
        return [path.name for path in tmp_path.glob("meshproof-*") if path.name != "meshproof-runs"]

    def kill() -> None:
        quiet = subprocess.DEVNULL
        with subprocess.Popen(argv, env=env, cwd=tmp_path, stdout=quiet, stderr=quiet) as process:
            try:
                programs.until("istioctl", "install")
                api.until(ISTIOD)
            finally:
                process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 90
        while SYSTEM in api.objects or programs.alive() or files():
            assert time.monotonic() < deadline, [files(), *(call["args"] for call in programs.calls())]
            time.sleep(0.05)

    return kill


@pytest.mark.parametrize("kinds", [False, True])
def test_the_installation_of_a_killed_run_is_removed(
    killed: Any, programs: Any, api: Any, tmp_path: Path, kinds: bool
) -> None:
    api.kinds = kinds
    killed()
    assert [path for path in api.objects if "istio-system" in path] == []
    # The installing istioctl was ended first.
    begun, removed = programs.calls("istioctl")[-2:]
    assert begun["args"][0] == "install"
    which = ["--revision", "default"] if kinds else ["--purge"]
    assert removed["args"] == ["uninstall", *which, "-y", "--context", "lab"]
    assert removed["env"]["KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert "ISTIOCTL_ISTIONAMESPACE" not in removed["env"]
    deletions = [call["args"][5:] for call in programs.calls("kubectl") if "delete" in call["args"]]
    selected = ["--selector", "operator.istio.io/component"]
    kept = [one[:3] for one in deletions[:-1]]
    assert kept == ([[CLUSTER_WIDE, *selected], [NAMESPACED, *selected]] if kinds else [])
    assert deletions[-1] == ["namespace", "istio-system", "--ignore-not-found", "--wait=false"]


@pytest.mark.parametrize(("kinds", "which"), [("", "--purge"), ("v1", "--revision default")])
def test_an_unfinished_installation_is_reported_with_the_commands_that_remove_it(
    cluster: Any, api: Any, kinds: str, which: str
) -> None:
    annotations = {notes.ANNOTATION: notes.UNFINISHED, notes.KINDS_BEFORE: kinds}
    api.put("Namespace", "istio-system", metadata={"annotations": annotations})
    with pytest.raises(TargetError, match="began to install Istio there and did not finish") as caught:
        asyncio.run(install(cluster(), None, Plan(skip=True)))
    assert f"istioctl uninstall {which} -y --context lab" in caught.value.detail
    assert caught.value.detail.splitlines()[-1].startswith("look: kubectl --context lab get namespace istio-system")


def test_what_the_commands_need_stands_around_them() -> None:
    class Program:
        version = "1.30.4"

        def by_itself(self, *words: str) -> list[str]:
            return list(words)

        def within(self, _: str) -> Program:
            return self

    program = Program()
    cluster: Any = SimpleNamespace(kubectl=program)
    tool: Any = program
    around = Surroundings((["connect"], ["forward"]), (["disconnect"],))
    commands = unfinished.cleanup_commands(
        cluster, tool, revision="", manifest=None, kinds=True, annotations=(), surroundings=around
    )
    # The killed run's own connection, and with it the port, is there until its children have ended.
    assert [words[0] for words in commands] == ["sleep", "connect", "forward", "uninstall", "delete", "disconnect"]
