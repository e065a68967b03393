"""docs/rbac.yaml on a real API server: enough for a run, and nothing more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.errors import TargetError
from meshproof.targets.kube import access, conflicts, ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.forward import forwarded
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.namespace import RunNamespace, leftovers, name_of
from meshproof.targets.kube.wanted import Wanted

NETWORKING = "networking.istio.io/v1"


def everything(namespace: str) -> list[Wanted]:
    """One object of each kind that a run applies."""
    labels = {"app": "shop"}
    container = {"name": "shop", "image": "registry.test/shop:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    route = {"route": [{"destination": {"host": "shop"}}]}
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["shop.test"]}
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    entry = {"hosts": ["marker.test"], "ports": [port], "resolution": "STATIC", "endpoints": [{"address": "127.0.0.1"}]}
    specs: list[tuple[str, str, dict[str, Any]]] = [
        ("v1", "Secret", {"stringData": {"a": "b"}}),
        ("v1", "ConfigMap", {"data": {"a": "b"}}),
        ("v1", "ServiceAccount", {}),
        ("v1", "Service", {"spec": {"ports": [{"port": 80}], "selector": labels}}),
        ("apps/v1", "Deployment", {"spec": {"selector": {"matchLabels": labels}, "template": template}}),
        (NETWORKING, "Sidecar", {"spec": {"egress": [{"hosts": ["./*"]}]}}),
        (NETWORKING, "ServiceEntry", {"spec": entry}),
        (NETWORKING, "DestinationRule", {"spec": {"host": "shop"}}),
        (NETWORKING, "Gateway", {"spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]}}),
        ("networking.istio.io/v1alpha3", "EnvoyFilter", {"spec": {"configPatches": []}}),
        (NETWORKING, "VirtualService", {"spec": {"hosts": ["shop"], "http": [route]}}),
    ]
    metadata = {"name": "shop", "namespace": namespace}
    return [
        Wanted({"apiVersion": version, "kind": kind, "metadata": metadata, **body}) for version, kind, body in specs
    ]


@pytest.mark.usefixtures("takes_long")
def test_a_whole_run_can_be_done_with_these_rights(
    with_cluster: Callable[..., Any], account: Path, run_id: str
) -> None:
    async def body(cluster: Cluster) -> None:
        objects = cluster.objects
        assert await cluster.nodes() == ()
        namespace = RunNamespace(cluster, name_of(run_id), run_id)
        await namespace.create()
        await namespace.label({"istio-injection": "enabled"})
        assert run_id in [one.run for one in await leftovers(cluster)]
        in_force = ObjectsInForce(cluster, namespace.name, run_id)
        wanted = everything(namespace.name)
        assert await conflicts.find(cluster, wanted, run_id) == []
        assert len((await in_force.apply(wanted)).created) == len(wanted)
        changed = [Wanted({**one.body, "metadata": {**one.body["metadata"], "labels": {"a": "b"}}}) for one in wanted]
        assert len((await in_force.apply(changed)).changed) == len(wanted)
        for kind in ("Pod", "Event", "Endpoints"):
            await objects.list("v1", kind, namespace.name)
        await objects.list("discovery.k8s.io/v1", "EndpointSlice", namespace.name)
        await objects.list("apps/v1", "ReplicaSet", namespace.name)
        for version, kind in (("v1", "Pod"), ("v1", "Service"), ("v1", "ConfigMap"), ("apps/v1", "Deployment")):
            await objects.list(version, kind, "istio-system")
        for place in (namespace.name, "istio-system"):
            for sub in ("exec", "portforward"):
                for verb in ("get", "create"):
                    assert await objects.allowed(verb, "pods", place, sub=sub)
            assert await objects.allowed("get", "pods", place, sub="log")
        await objects.list("v1", "Pod", "kube-system")
        assert await objects.get("v1", "ConfigMap", "kube-proxy", "kube-system") is None
        pod = {"containers": [{"name": "app", "image": "example.invalid/app"}]}
        metadata = {"name": "tried", "namespace": namespace.name}
        await objects.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}, dry_run=True)
        assert len((await in_force.clear()).deleted) == len(wanted)
        await namespace.delete()

    with_cluster(body, account)


def test_nothing_more_is_allowed(with_cluster: Callable[..., Any], account: Path) -> None:
    async def body(cluster: Cluster) -> None:
        asked = [
            *(("get", "secrets", place, "", "") for place in ("default", "istio-system", "kube-system", "")),
            *(
                ("create", kind, place, "", "")
                for kind in ("pods", "services")
                for place in ("default", "istio-system")
            ),
            ("patch", "deployments", "default", "apps", ""),
            ("patch", "deployments", "istio-system", "apps", ""),
            ("create", "pods", "default", "", "exec"),
            ("create", "pods", "kube-system", "", "exec"),
            *(("get", "pods", place, "", "portforward") for place in ("default", "kube-system")),
            ("create", "virtualservices", "default", "networking.istio.io", ""),
            ("create", "envoyfilters", "", "networking.istio.io", ""),
            ("create", "envoyfilters", "istio-system", "networking.istio.io", ""),
            ("get", "configmaps", "kube-system", "", ""),
            ("patch", "nodes", "", "", ""),
            ("create", "clusterroles", "", "rbac.authorization.k8s.io", ""),
            ("create", "clusterrolebindings", "", "rbac.authorization.k8s.io", ""),
            ("bind", "clusterroles", "", "rbac.authorization.k8s.io", ""),
            ("escalate", "clusterroles", "", "rbac.authorization.k8s.io", ""),
            ("impersonate", "users", "", "", ""),
            ("create", "serviceaccounts", "meshproof", "", "token"),
            ("patch", "customresourcedefinitions", "", "apiextensions.k8s.io", ""),
        ]
        granted = [one for one in asked if await cluster.objects.allowed(one[0], one[1], one[2], one[3], one[4])]
        assert granted == []

    with_cluster(body, account)


def test_a_port_is_forwarded_with_these_rights_and_not_where_there_are_none(
    with_cluster: Callable[..., Any], account: Path
) -> None:
    """As far as possible on a control plane without nodes: a user with the right gets 'no such pod'."""

    async def body(cluster: Cluster) -> None:
        reported = {}
        for place in ("istio-system", "default"):
            with pytest.raises(RefusedError) as caught:
                async with forwarded(cluster.api, place, "gateway-1", 8080, cluster.timeouts):
                    pytest.fail("there is no pod")
            reported[place] = (caught.value.status, caught.value.words)
        assert reported["istio-system"] == (404, 'pods "gateway-1" not found')
        assert reported["default"][0] == 403
        assert 'cannot get resource "pods/portforward"' in reported["default"][1]

    with_cluster(body, account)


def binding(namespace: str, role: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "more", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "meshproof", "namespace": "meshproof"}],
    }


def test_the_policy_refuses_what_a_role_cannot_exclude(
    with_cluster: Callable[..., Any], control_plane: Any, account: Path, run_id: str
) -> None:
    foreign = f"foreign-{run_id[-6:]}"
    control_plane.kubectl("create", "namespace", foreign)

    async def body(cluster: Cluster) -> None:
        objects = cluster.objects
        words = "meshproof touches only the namespaces that it made"
        with pytest.raises(RefusedError, match=words):
            await objects.create(binding("kube-system", "meshproof-run"))
        with pytest.raises(RefusedError, match=words):
            await objects.delete("v1", "Namespace", foreign)
        marked = {"metadata": {"labels": ownership.labels(run_id)}}
        with pytest.raises(RefusedError, match=words):
            await objects.merge("v1", "Namespace", foreign, marked)
        with pytest.raises(RefusedError, match=words):
            await objects.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "unmarked"}})
        namespace = RunNamespace(cluster, name_of(run_id), run_id)
        await namespace.create()
        with pytest.raises(RefusedError, match=r"attempting to grant RBAC permissions not currently held"):
            await objects.create(binding(namespace.name, "cluster-admin"))
        await objects.delete("v1", "Namespace", namespace.name)

    with_cluster(body, account)
    assert foreign in control_plane.kubectl("get", "namespace", foreign, "-o", "name")
    control_plane.kubectl("delete", "namespace", foreign, "--wait=false")


def test_gateway_secrets_need_their_own_consent(
    with_cluster: Callable[..., Any], control_plane: Any, account: Path, run_id: str
) -> None:
    metadata = {"name": f"tls-{run_id[-6:]}", "namespace": "istio-system"}
    secret = Wanted({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": "b"}})
    outside = [("Secret", "istio-system")]

    async def refused(cluster: Cluster) -> None:
        with pytest.raises(RefusedError, match="forbidden to this user"):
            await ObjectsInForce(cluster, name_of(run_id), run_id, outside).apply([secret])

    async def allowed(cluster: Cluster) -> None:
        in_force = ObjectsInForce(cluster, name_of(run_id), run_id, outside)
        async with asyncio.timeout(30):
            while not await cluster.objects.allowed("patch", "secrets", "istio-system"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert len((await in_force.apply([secret])).created) == 1
        # The policy allows only the run's own secrets, whatever the role says.
        body = {**secret.body, "metadata": {**metadata, "name": "unmarked"}}
        with pytest.raises(RefusedError, match="meshproof touches only"):
            await cluster.objects.create(body)
        assert len((await in_force.clear()).deleted) == 1

    with_cluster(refused, account)
    where = ("--namespace", "istio-system")
    role = ("--role=meshproof-gateway-secrets", "--serviceaccount=meshproof:meshproof")
    control_plane.kubectl("create", "rolebinding", "gateway-secrets", *role, *where)
    try:
        with_cluster(allowed, account)
    finally:
        control_plane.kubectl("delete", "rolebinding", "gateway-secrets", *where)


def test_missing_rights_in_the_namespace_are_reported_with_what_to_grant(
    with_cluster: Callable[..., Any], control_plane: Any, account: Path, run_id: str
) -> None:
    role = ("--verb=get,list,create,delete", "--resource=namespaces")
    control_plane.kubectl("create", "clusterrole", "spaces", *role)
    control_plane.kubectl("create", "clusterrolebinding", "spaces", "--clusterrole=spaces", "--user=half")

    async def body(cluster: Cluster) -> None:
        namespace = RunNamespace(cluster, name_of(run_id), run_id)
        words = f"user half may neither work in namespace {namespace.name} nor bind the role meshproof-run there"
        with pytest.raises(TargetError, match=words) as caught:
            await namespace.create()
        assert "docs/rbac.yaml" in caught.value.detail
        await cluster.objects.delete("v1", "Namespace", namespace.name)

    try:
        with_cluster(body, control_plane.kubeconfig("half"))
    finally:
        control_plane.kubectl("delete", "clusterrolebinding", "spaces")
        control_plane.kubectl("delete", "clusterrole", "spaces")


def test_what_is_documented_is_yaml_without_surprises(rbac: Sequence[dict[str, Any]]) -> None:
    for body in rbac:
        for rule in body.get("rules", ()):
            assert "*" not in json.dumps([rule["verbs"], rule["resources"], rule["apiGroups"]])
    assert yaml.safe_dump(rbac[0])


def test_a_namespace_is_verified_where_its_administrator_has_bound_the_role(
    with_cluster: Callable[..., Any], control_plane: Any, account: Path, run_id: str
) -> None:
    shop = f"shop-{run_id[-6:]}"
    control_plane.kubectl("create", "namespace", shop)
    reported: list[str] = []

    async def refused(cluster: Cluster) -> None:
        words = f"namespace {shop} cannot be verified: user .*:meshproof may not list pods or get services there"
        with pytest.raises(TargetError, match=words) as caught:
            await access.readable(cluster.objects, [shop])
        reported.append(caught.value.detail.splitlines()[-1])

    async def allowed(cluster: Cluster) -> None:
        async with asyncio.timeout(30):
            while not await cluster.objects.allowed("list", "pods", shop):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await access.readable(cluster.objects, [shop])
        assert await cluster.objects.list("v1", "Pod", shop) == []
        assert await cluster.objects.get("v1", "Service", "none", shop) is None
        assert not await cluster.objects.allowed("get", "secrets", shop)
        assert not await cluster.objects.allowed("create", "pods", shop, sub="exec")

    try:
        with_cluster(refused, account)
        # The command in the error grants what is missing.
        control_plane.kubectl(*reported[0].split()[1:])
        with_cluster(allowed, account)
    finally:
        control_plane.kubectl("delete", "namespace", shop, "--wait=false")
