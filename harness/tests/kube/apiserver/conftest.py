"""A real control plane for the tests (control_plane.py), with Istio's kinds."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.targets.kube.api.connection import Cluster

sys.path.insert(0, str(Path(__file__).parent))

from control_plane import ControlPlane, running
from kubernetes_programs import KINDS, NAMED, found

ROOT = Path(__file__).parents[4]
Json = dict[str, Any]


def _definitions(file: Path) -> Iterator[str]:
    """The definitions of Istio's kinds that a run applies; the others would slow the API server down."""
    for text in file.read_text().split("\n---\n"):
        if re.search(r"^  name: (\w+)\.networking\.istio\.io$", text, re.MULTILINE) and re.search(
            r"^    kind: (VirtualService|DestinationRule|Gateway|ServiceEntry|Sidecar|EnvoyFilter)$", text, re.MULTILINE
        ):
            yield text + "\n"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A control plane with Istio's CRDs."""
    with running() as plane:
        crds = "---\n".join(_definitions(plane.programs / KINDS))
        plane.kubectl("create", "--validate=false", "-f", "-", stdin=crds)
        plane.kubectl("wait", "--for", "condition=Established", "crd", "--all", "--timeout=150s")
        plane.kubectl("create", "namespace", "istio-system")
        yield plane


@pytest.fixture(scope="session")
def takes_long() -> None:
    """For slow tests: they run in `tox -e kube` alone, which names the programs."""
    if not os.environ.get(NAMED):
        pytest.skip("it takes long: `tox -e kube` runs it")


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    """A unique run id."""
    return re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40] + f"-{os.urandom(3).hex()}"


@pytest.fixture
def with_cluster(control_plane: ControlPlane) -> Callable[..., Any]:
    """Run a coroutine function on a connection: `with_cluster(body, kubeconfig=None, **limits)`."""

    def call(body: Callable[[Cluster], Any], kubeconfig: Path | None = None, **limits: float) -> Any:
        async def go() -> Any:
            cluster = await control_plane.connect(kubeconfig, **limits)
            try:
                return await body(cluster)
            finally:
                await cluster.close()

        return asyncio.run(go())

    return call


@pytest.fixture
def rbac() -> Sequence[Json]:
    """The documents of docs/rbac.yaml."""
    return [body for body in yaml.safe_load_all((ROOT / "docs" / "rbac.yaml").read_text()) if body]


@pytest.fixture(scope="module")
def account(control_plane: Any) -> Iterator[Path]:
    """The kubeconfig of the account that docs/rbac.yaml sets up."""
    text = (ROOT / "docs" / "rbac.yaml").read_text()
    control_plane.kubectl("apply", "--validate=false", "-f", "-", stdin=text)
    token = control_plane.kubectl("create", "token", "meshproof", "--namespace", "meshproof").strip()
    kubeconfig = control_plane.kubeconfig("account", token=token)
    # A policy takes effect with a delay.
    probe = ("create", "rolebinding", "probe", "--clusterrole=meshproof-run", "--user=x", "--namespace=default")
    deadline = time.monotonic() + 60
    identity = "--as=system:serviceaccount:meshproof:meshproof"
    while "touches only the namespaces" not in control_plane.kubectl(*probe, identity, "--dry-run=server", check=False):
        assert time.monotonic() < deadline, "the policy is not in force"
        time.sleep(0.2)
    yield kubeconfig
    control_plane.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)


@pytest.fixture(scope="session")
def program() -> str:
    """The real istioctl; skips without one."""
    named = os.environ.get("MESHPROOF_ISTIOCTL") or shutil.which("istioctl") or found("istioctl")
    if not named:
        pytest.skip("there is no istioctl on PATH, in $MESHPROOF_ISTIOCTL or in the cache: get that of a release")
    return str(named)
