"""Reaching a real API server, with credentials of every kind and quality."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from meshproof.errors import TargetError, UsageError
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.refusal import RefusedError

sys.path.insert(0, str(Path(__file__).parent))

from vanishing_proxy import VanishingProxy


def reach(control_plane: Any, kubeconfig: Path, **limits: float) -> None:
    async def go() -> None:
        await (await control_plane.connect(kubeconfig, **limits)).close()

    asyncio.run(go())


def test_the_version_and_the_nodes_of_a_cluster(with_cluster: Callable[..., Any]) -> None:
    async def body(cluster: Cluster) -> tuple[Any, ...]:
        return cluster.version, cluster.kubectl_version, await cluster.nodes()

    version, kubectl, nodes = with_cluster(body)
    assert version.startswith("v1.")
    assert kubectl == version
    assert nodes == ()


def test_the_kernel_of_a_node(with_cluster: Callable[..., Any], control_plane: Any) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(node))
    info = {"kernelVersion": "6.12.0", "osImage": "Debian 13", "kubeletVersion": "v1.34.4", "architecture": "amd64"}
    empty = ("bootID", "containerRuntimeVersion", "kubeProxyVersion", "machineID", "operatingSystem", "systemUUID")
    status = {
        "nodeInfo": {**info, **dict.fromkeys(empty, "x")},
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "10.0.0.7"}],
    }
    patch = json.dumps({"status": status})
    control_plane.kubectl("patch", "node", "one", "--subresource=status", "--type=merge", "-p", patch)

    async def body(cluster: Cluster) -> Any:
        return await cluster.nodes()

    try:
        [reported] = with_cluster(body)
        assert (reported.name, reported.kernel, reported.address, reported.ready) == ("one", "6.12.0", "10.0.0.7", True)
    finally:
        control_plane.kubectl("delete", "node", "one")


def test_an_expired_client_certificate_is_reported_with_its_date(control_plane: Any) -> None:
    with pytest.raises(TargetError, match="client certificate of user old has expired on 20"):
        reach(control_plane, control_plane.kubeconfig("old", "system:masters", days=-1))


def test_a_token_of_nobody_is_reported(control_plane: Any) -> None:
    with pytest.raises(TargetError, match="failed") as caught:
        reach(control_plane, control_plane.kubeconfig("nobody", token="s3cr3t"))
    assert "credentials" in caught.value.detail
    assert "s3cr3t" not in str(caught.value)


def test_another_authority_is_reported(control_plane: Any) -> None:
    kubeconfig = control_plane.kubeconfig("admin", "system:masters")
    reported = json.loads(kubeconfig.read_text())
    other = kubeconfig.with_name("ca.crt")
    trustme.CA().cert_pem.write_to_path(str(other))
    reported["clusters"][0]["cluster"] = {"server": control_plane.url, "certificate-authority": "ca.crt"}
    kubeconfig.write_text(json.dumps(reported))
    with pytest.raises(TargetError, match="certificate signed by unknown authority"):
        reach(control_plane, kubeconfig)


def test_a_user_without_rights_is_reported_where_they_are_listed(control_plane: Any) -> None:
    with pytest.raises(RefusedError, match=r"forbidden to this user \(docs/rbac.yaml") as caught:
        reach(control_plane, control_plane.kubeconfig("guest"))
    assert 'User "guest" cannot get resource "namespaces"' in caught.value.words


def plugin(path: Path, body: str) -> dict[str, Any]:
    path.write_text(f"#!{sys.executable} -IS\nimport sys, time\n{body}\n")
    path.chmod(0o700)
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": str(path), "interactiveMode": "Never"}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit('the session has expired, log in again')", "the session has expired, log in again"),
        ("print('Welcome!')", "credentials"),
    ],
)
def test_a_credential_plugin_that_fails_is_reported(control_plane: Any, tmp_path: Path, body: str, words: str) -> None:
    kubeconfig = control_plane.kubeconfig("me", **plugin(tmp_path / "plugin", body))
    with pytest.raises(TargetError, match=words):
        reach(control_plane, kubeconfig, kube_command=60)


@pytest.mark.usefixtures("takes_long")
def test_a_credential_plugin_that_hangs_is_reported(control_plane: Any, tmp_path: Path) -> None:
    kubeconfig = control_plane.kubeconfig("me", **plugin(tmp_path / "plugin", "time.sleep(600)"))
    with pytest.raises(TargetError, match="no end within 10 s"):
        reach(control_plane, kubeconfig, kube_command=10)


def test_a_credential_plugin_that_is_missing_is_reported(control_plane: Any, tmp_path: Path) -> None:
    identity = plugin(tmp_path / "plugin", "")
    (tmp_path / "plugin").unlink()
    with pytest.raises(TargetError, match="no such file or directory"):
        reach(control_plane, control_plane.kubeconfig("me", **identity))


def test_a_credential_plugin_is_used(control_plane: Any, tmp_path: Path) -> None:
    account = control_plane.kubectl("create", "token", "default", "--namespace", "kube-system", check=False)
    if "not found" in account:
        control_plane.kubectl("create", "serviceaccount", "default", "--namespace", "kube-system")
        account = control_plane.kubectl("create", "token", "default", "--namespace", "kube-system")
    status = {"token": account.strip()}
    reported = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    body = f"print({json.dumps(json.dumps(reported))})"
    with pytest.raises(RefusedError, match="forbidden") as caught:
        reach(control_plane, control_plane.kubeconfig("me", **plugin(tmp_path / "plugin", body)))
    assert 'User "system:serviceaccount:kube-system:default"' in caught.value.words


@pytest.mark.parametrize("verb", ["label", "annotate"])
def test_a_cluster_that_is_marked_production_is_refused(control_plane: Any, verb: str) -> None:
    control_plane.kubectl(verb, "namespace", "kube-system", "meshproof.dev/production=true")
    try:
        with pytest.raises(UsageError, match=r"production cluster: kube-system carries meshproof.dev/production"):
            reach(control_plane, control_plane.kubeconfig("admin", "system:masters"))
    finally:
        control_plane.kubectl(verb, "namespace", "kube-system", "meshproof.dev/production-")


@pytest.mark.parametrize("way", ["gone", "silent"])
def test_an_api_server_that_vanishes_is_reported_at_once(control_plane: Any, way: str) -> None:
    async def go() -> None:
        proxy = VanishingProxy(int(control_plane.url.rpartition(":")[2]))
        url = f"https://127.0.0.1:{await proxy.begin()}"
        file = control_plane.kubeconfig("admin", "system:masters", url=url)
        cluster = await control_plane.connect(file, kube_answer=1)
        try:
            assert await cluster.objects.list("v1", "Namespace")
            await proxy.vanish() if way == "gone" else proxy.silence()
            words = "cannot be reached" if way == "gone" else "did not answer in time"
            began = time.monotonic()
            with pytest.raises(TargetError, match=f"listing Namespaces: the API server at {url} {words}") as caught:
                await cluster.objects.list("v1", "Namespace")
            assert time.monotonic() - began < 15
            assert "look: kubectl" in caught.value.detail
        finally:
            await proxy.vanish()
            await cluster.close()

    asyncio.run(go())
