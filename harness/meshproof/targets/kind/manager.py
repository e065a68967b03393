"""pytest-kubernetes' kind manager, with each command a list of arguments, under a parent-death guard and a limit."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_kubernetes.providers.kind import KindManagerBase

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError

Run = Callable[[Sequence[str], float, str], str]
INTERVAL = 0.5


class KindManager(KindManagerBase):  # type: ignore[misc]
    """Creates, fills and deletes one kind cluster. Its methods block, so they are called in a thread.

    `config` must hold the cluster's name, which is then the one that is used; `run` runs a command to its
    end, given its arguments, a limit in seconds and its purpose. Nothing goes through a shell, and
    neither this process' environment nor any kubeconfig of the user's own is changed.
    """

    def __init__(self, name: str, config: Path, kubeconfig: Path, kubectl: str, run: Run, timeouts: Timeouts) -> None:
        super().__init__(name, str(config), kubeconfig)
        if self.cluster_name != name:
            raise ValueError(f"{config} is for a cluster {self.cluster_name}, not {name}")
        self.context = f"kind-{name}"
        self._kubectl = kubectl
        self._run = run
        self._actions = {
            "create": ("creating the kind cluster", timeouts.kind_created),
            "delete": ("deleting the kind cluster", timeouts.kind_deleted),
            "load": ("loading an image into the kind cluster", timeouts.image_loaded),
        }

    def create_as(self, image: str) -> None:
        """Create it with a node image (empty: kind's own), and wait until it takes pods."""
        _, limit = self._actions["create"]
        # With a config the manager gives neither --name nor --image.
        options = ["--name", self.cluster_name, "--wait", f"{limit / 2:g}s"]
        options += ["--image", image] if image else []
        try:
            self.create(timeout=int(limit / 2), options=options)
        except RuntimeError as error:
            raise TargetError(f"creating the kind cluster: {error}") from None

    def load_archive(self, path: Path) -> None:
        """Load the images of an archive into its nodes."""
        self._exec(["load", "image-archive", str(path), "--name", self.cluster_name])

    def ready(self, timeout: float = 20) -> bool:
        """Whether the cluster answers, and has what a pod needs, within `timeout` seconds."""
        kubeconfig = self.kubeconfig
        if kubeconfig is None or not kubeconfig.is_file() or not kubeconfig.stat().st_size:
            return False
        argv = [self._kubectl, "--kubeconfig", str(kubeconfig), "--context", str(self.context)]
        argv += ["--namespace", "default", "get", "serviceaccount", "default"]
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._run(argv, max(1.0, deadline - time.monotonic()), "asking the kind cluster whether it is ready")
            except TargetError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(INTERVAL)
            else:
                return True

    def _exec(
        self,
        arguments: Sequence[str],
        additional_env: Any = None,  # noqa: ARG002 - the manager's own signature
        timeout: float | None = None,  # noqa: ARG002
    ) -> subprocess.CompletedProcess[str]:
        argv = [str(self._exec_path), *arguments]
        what, limit = self._actions[arguments[0]]
        return subprocess.CompletedProcess(argv, 0, self._run(argv, limit, what), "")
