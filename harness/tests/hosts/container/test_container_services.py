"""`meshproof hosts check` on a host whose services systemd runs: started, stopped, failed, enabled or not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from container_host import Container

LIMIT = 300.0
# A program that prints its version, and then runs or fails.
UNIT = """
printf '#!/bin/sh\\n[ "$1" != --version ] || {{ echo Kubernetes v1.20.2; exit; }}\\n%s\\n' '{program}' > /usr/bin/{name}
chmod 755 /usr/bin/{name}
cd /etc/systemd/system
printf '[Service]\\nExecStart=/usr/bin/{name}\\n[Install]\\nWantedBy=multi-user.target\\n' > {name}.service
systemctl daemon-reload
"""


def check(box: Container) -> dict[str, tuple[str, str]]:
    """Outcome and reason of each check, by the real command."""
    inventory = box.inventory("{modules: [], containerRuntime: containerd, kubelet: '1.20'}")
    command = [
        sys.executable,
        "-m",
        "meshproof",
        "hosts",
        "check",
        "-f",
        str(inventory),
        "HostKubernetes",
        "-o",
        "json",
    ]
    done = subprocess.run(command, cwd=box.folder, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return {verdict["check"]: (verdict["outcome"], verdict["reason"]) for verdict in document["checks"]}


@pytest.fixture
def services(box: Container) -> Container:
    """The container with a runtime and a kubelet that are installed and do not run."""
    for name in ("containerd", "kubelet"):
        box.run(f"systemctl disable --now {name} 2>/dev/null || true")
        box.run(UNIT.format(name=name, program="exec sleep infinity"))
    return box


def test_a_service_that_is_not_installed_is_reported(box: Container) -> None:
    assert check(box)["KubeletRuns"] == ("failed", "worker-1: kubelet is not installed")


def test_a_stopped_service_fails(services: Container) -> None:
    found = check(services)
    assert found["ContainerRuntime"] == ("failed", "worker-1: containerd is inactive")
    assert found["KubeletRuns"] == ("failed", "worker-1: kubelet is inactive")


def test_a_service_that_is_not_started_at_boot_is_reported(services: Container) -> None:
    services.run("systemctl enable --now containerd; systemctl start kubelet")
    found = check(services)
    assert found["ContainerRuntime"][0] == "passed"
    assert found["KubeletRuns"] == ("failed", "worker-1: kubelet runs, and is not started at boot")


def test_a_service_that_runs_and_is_started_at_boot_passes(services: Container) -> None:
    services.run("systemctl enable --now containerd kubelet")
    found = check(services)
    assert found["ContainerRuntime"][0] == "passed"
    assert found["KubeletRuns"] == ("passed", "worker-1: kubelet runs (Kubernetes v1.20.2)")


def test_a_failed_service_is_reported(services: Container) -> None:
    services.run(UNIT.format(name="kubelet", program="exit 1"))
    services.run("systemctl enable --now kubelet; until systemctl is-failed -q kubelet; do sleep 0.1; done")
    assert check(services)["KubeletRuns"] == ("failed", "worker-1: kubelet is failed")
