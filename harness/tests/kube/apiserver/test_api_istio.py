"""The real istioctl on a real API server without a node: Istio is installed, never gets ready, and is removed again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.istio import istioctl
from meshproof.targets.istio.installation import install, manifest, notes
from meshproof.targets.istio.installation.plan import Plan
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.kube.api.connection import Cluster

pytestmark = pytest.mark.usefixtures("takes_long")
Connected = Callable[..., Any]
CLUSTER_WIDE = (
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
)


async def found(cluster: Cluster, program: str) -> Istioctl:
    kubectl = cluster.kubectl
    return await istioctl.find(program, kubectl.kubeconfig, kubectl.context, cluster.timeouts)


async def left(cluster: Cluster) -> list[str]:
    """The parts of Istio that are still in the cluster, without its kinds."""
    names = []
    for api_version, kind in CLUSTER_WIDE:
        listed = await cluster.objects.list(api_version, kind)
        names += [f"{kind} {one['metadata']['name']}" for one in listed if "istio" in one["metadata"]["name"]]
    # A Deployment that istioctl deletes is gone when its pods are.
    deadline = time.monotonic() + 60
    while listed := await cluster.objects.list("apps/v1", "Deployment", "istio-system"):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    return names + [f"Deployment {one['metadata']['name']}" for one in listed]


def test_a_cluster_is_found_fit_and_its_configuration_clean(with_cluster: Connected, program: str) -> None:
    async def body(cluster: Cluster) -> None:
        real = await found(cluster, program)
        assert await real.precheck(cluster.timeouts) == ()
        assert [one for one in await real.analyze(cluster.timeouts) if one["level"] != "Info"] == []

    with_cluster(body, istio_precheck=180, istioctl_answer=180)


def test_an_istiod_that_never_gets_ready_is_named_and_removed(with_cluster: Connected, program: str) -> None:
    async def body(cluster: Cluster) -> None:
        real = await found(cluster, program)
        with pytest.raises(TargetError, match="Istio could not be installed: installing Istio") as caught:
            await install.install(cluster, real, Plan(hub="hub.invalid/library"))
        detail = caught.value.detail
        assert "istioctl install -y --set profile=demo --set hub=hub.invalid/library" in detail
        assert "namespace istio-system: not ready" in detail
        assert "istiod (0 of 1 replicas available)" in detail
        assert "what was installed by then has been removed again" in detail
        assert await left(cluster) == []
        # The kinds stay, and with them the user's objects.
        assert "v1beta1" in await cluster.objects.versions("networking.istio.io")
        namespace = await cluster.objects.get("v1", "Namespace", "istio-system") or {}
        assert notes.ANNOTATION not in (namespace["metadata"].get("annotations") or {})

    with_cluster(body, istio_ready=5, istio_precheck=180, istio_install=300, istio_uninstall=300)


def test_a_rendered_manifest_that_never_gets_ready_is_deleted_again(
    with_cluster: Connected, program: str, tmp_path: Path
) -> None:
    async def body(cluster: Cluster) -> None:
        real = await found(cluster, program)
        rendered = tmp_path / "istio.yaml"
        generate = ("manifest", "generate", "--set", "profile=minimal", "--set", "hub=hub.invalid/library")
        text = await real.run(*generate, timeout=120, what="rendering")
        # The kinds are shared by all tests of this control plane.
        definitions, others = await asyncio.to_thread(_halves, rendered, text)
        assert "CustomResourceDefinition" in definitions
        rendered.write_text(others)
        with pytest.raises(TargetError, match=r"not ready after 3 s: istiod \(0 of 1 replicas available\)"):
            await install.install(cluster, None, Plan(manifest=rendered))
        assert await left(cluster) == []

    with_cluster(body, istio_ready=3, istio_install=300, istio_uninstall=300)


def _halves(path: Path, text: str) -> tuple[str, str]:
    path.write_text(text)
    return manifest.split(path)
