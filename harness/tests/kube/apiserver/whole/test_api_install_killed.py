"""The real istioctl at work on a real API server when the command that started it is killed."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("takes_long")
HOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
ROLES = "clusterroles,clusterrolebindings"


def left(control_plane: Any) -> list[str]:
    """The parts of Istio in the cluster, without its kinds."""
    there = control_plane.kubectl("get", f"{HOOKS},{ROLES}", "-o", "name").split()
    here = control_plane.kubectl("get", "deployments,services", "--namespace", "istio-system", "-o", "name").split()
    return [one for one in there if "istio" in one] + here


def test_half_an_istio_is_removed_again(command: Any, control_plane: Any, program: str) -> None:
    process = command.start("run", "CanarySplit", "--hub", "hub.invalid/library", "--istioctl", program)
    command.until("istiod's Deployment", lambda: "deployment.apps/istiod" in left(control_plane))
    assert "unfinished" in control_plane.kubectl("get", "namespace", "istio-system", "-o", "json")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    command.until("the end of it", lambda: left(control_plane) == [])

    def forgotten() -> bool:
        namespace = json.loads(control_plane.kubectl("get", "namespace", "istio-system", "-o", "json"))
        return "meshproof" not in json.dumps(namespace["metadata"].get("annotations", {}))

    command.until("the end of the note", forgotten)
    # Kinds that were there before stay.
    assert "virtualservices.networking.istio.io" in control_plane.kubectl("get", "crd", "-o", "name")
    command.until("the end of its files", lambda: command.left() == [])
