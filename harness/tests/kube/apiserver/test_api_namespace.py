"""A run's namespace on a real API server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.namespace import RunNamespace, leftovers, name_of, remove

WithCluster = Callable[..., Any]


@pytest.mark.usefixtures("takes_long")
def test_a_namespace_is_made_with_the_labels_of_its_run_and_removed(with_cluster: WithCluster, run_id: str) -> None:
    async def body(cluster: Cluster) -> None:
        namespace = RunNamespace(cluster, name_of(run_id), run_id, {"istio-injection": "enabled"})
        await namespace.create()
        await namespace.create()
        made = await cluster.objects.get("v1", "Namespace", namespace.name)
        assert made is not None
        assert (
            made["metadata"]["labels"].items()
            >= {
                "app.kubernetes.io/managed-by": "meshproof",
                "meshproof.dev/run": run_id,
                "istio-injection": "enabled",
            }.items()
        )
        await namespace.label({"istio-injection": None, "istio.io/rev": "canary"})
        relabelled = await cluster.objects.get("v1", "Namespace", namespace.name)
        assert relabelled is not None
        assert "istio-injection" not in relabelled["metadata"]["labels"]
        assert relabelled["metadata"]["labels"]["istio.io/rev"] == "canary"
        await namespace.delete()
        assert await cluster.objects.get("v1", "Namespace", namespace.name) is None
        await namespace.delete()

    with_cluster(body)


@pytest.mark.usefixtures("takes_long")
def test_a_namespace_of_somebody_else_is_not_changed(
    with_cluster: WithCluster, control_plane: Any, run_id: str
) -> None:
    name = name_of(run_id)
    control_plane.kubectl("create", "namespace", name)

    async def body(cluster: Cluster) -> None:
        namespace = RunNamespace(cluster, name, run_id)
        with pytest.raises(TargetError, match=f"namespace {name} exists already and was not made by meshproof"):
            await namespace.create()
        with pytest.raises(TargetError, match="it is not deleted"):
            await namespace.delete()
        with pytest.raises(TargetError, match="it is not changed"):
            await namespace.label({"a": "b"})
        found = await cluster.objects.get("v1", "Namespace", name)
        assert found is not None
        assert "deletionTimestamp" not in found["metadata"]
        assert "meshproof.dev/run" not in found["metadata"]["labels"]

    with_cluster(body)
    control_plane.kubectl("delete", "namespace", name)


@pytest.mark.usefixtures("takes_long")
def test_a_namespace_of_another_run_is_not_changed(with_cluster: WithCluster, run_id: str) -> None:
    async def body(cluster: Cluster) -> None:
        first = RunNamespace(cluster, name_of(run_id), run_id)
        await first.create()
        with pytest.raises(TargetError, match=f"exists already and belongs to run {run_id}"):
            await RunNamespace(cluster, name_of(run_id), "another").create()
        await first.delete()

    with_cluster(body)


@pytest.mark.usefixtures("takes_long")
def test_what_delays_a_deletion_is_named(with_cluster: WithCluster, control_plane: Any, run_id: str) -> None:
    async def body(cluster: Cluster) -> None:
        namespace = RunNamespace(cluster, name_of(run_id), run_id)
        await namespace.create()
        metadata = {"name": "held", "namespace": namespace.name, "finalizers": ["example.com/never"]}
        await cluster.objects.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        with pytest.raises(TargetError, match=r"is still being deleted after 8 s") as caught:
            await namespace.delete()
        assert "example.com/never in 1 resource instances" in caught.value.detail
        assert "configmaps. has 1 resource instances" in caught.value.detail
        with pytest.raises(TargetError, match="is just being deleted"):
            await namespace.create()
        await cluster.objects.merge("v1", "ConfigMap", "held", {"metadata": {"finalizers": None}}, namespace.name)

    with_cluster(body, kube_gone=8)


KILLED = """
    import asyncio, sys
    from pathlib import Path
    from meshproof.border.timeouts import Timeouts
    from meshproof.targets.kube.api.connection import connect
    from meshproof.targets.kube.namespace import RunNamespace

    async def main(kubeconfig, kubectl, name, run):
        cluster = await connect((Path(kubeconfig),), "lab", Timeouts(), kubectl=kubectl)
        await RunNamespace(cluster, name, run).create()
        print("made", flush=True)
        await asyncio.sleep(600)

    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.usefixtures("takes_long")
def test_the_namespace_of_a_killed_run_is_found_and_removed(
    with_cluster: WithCluster, control_plane: Any, run_id: str, tmp_path: Any
) -> None:
    name = name_of(run_id)
    kubeconfig = control_plane.kubeconfig("admin", "system:masters")
    argv = [sys.executable, "-c", textwrap.dedent(KILLED), str(kubeconfig), str(control_plane.programs / "kubectl")]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = subprocess.Popen([*argv, name, run_id], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(temporary)})
    try:
        assert run.stdout is not None
        assert run.stdout.readline() == b"made\n"

        async def alive(cluster: Cluster) -> Any:
            return next(one for one in await leftovers(cluster) if one.name == name)

        found = with_cluster(alive)
        assert (found.run, found.alive, found.terminating) == (run_id, True, False)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait(10)

    async def left(cluster: Cluster) -> None:
        [found] = [one for one in await leftovers(cluster) if one.name == name]
        assert (found.run, found.alive) == (run_id, False)
        await remove(cluster, found.name, found.run)
        assert name not in [one.name for one in await leftovers(cluster)]

    with_cluster(left)
    # The files with its keys were deleted with it.
    assert _goes(temporary)


def _goes(folder: Any) -> bool:
    import time

    deadline = time.monotonic() + 60
    while list(folder.iterdir()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_name_is_a_label_of_dns() -> None:
    assert name_of("20261122-221501-ab12") == "meshproof-20261122-221501-ab12"
    assert name_of("A_b..C!") == "meshproof-a-b-c"
    assert len(name_of("x" * 100)) == 63
    assert json.dumps(name_of("é")) == '"meshproof"'
