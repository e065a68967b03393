"""`meshproof capture`: what a cluster runs, without what is nobody else's business; the cluster is a stand-in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from live_shop import FORBIDDEN, SECRET
from meshproof.report.bundle.archive import read
from meshproof.targets.capture.kinds import ROUTING, WITHIN, WORKLOADS

CAPTURE = ("capture", "--context", "lab", "-n", "shop", "--no-dumps")
OBJECTS = "manifests/cluster/specified-0.yaml"


def captured(shop: Any, *words: str) -> list[Any]:
    shop.run(*CAPTURE, *words)
    return list(yaml.safe_load_all(read(shop.here / "bundle.tar.gz").files[OBJECTS]))


def test_what_decides_requests_is_kept_and_nothing_that_is_secret(shop: Any) -> None:
    shown = shop.run(*CAPTURE)
    bundle = read(shop.here / "bundle.tar.gz")
    assert not any(SECRET.encode() in data for data in bundle.files.values())
    assert bundle.left_out is not None
    # Two containers with one variable and one argument each, of Deployments alone: their pods are the same.
    expected = {"environment": 2, "arguments": 2, "annotations": 2, "manifests in annotations": 2, "credentials": 1}
    assert bundle.left_out.counts == expected
    assert "left out: 2 environment" in shown
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(bundle.files[OBJECTS])}
    kinds = sorted(kind for kind, _ in objects)
    assert kinds == [
        *("CapturedCluster", "ConfigMap", "Deployment", "Deployment", "DestinationRule"),
        *("Namespace", "Namespace", "Namespace", "NotRead", "NotRead", "Service", "VirtualService"),
    ]
    assert objects["Deployment", "reviews-v2"]["spec"]["replicas"] == 1
    facts = objects["CapturedCluster", "cluster"]["spec"]
    assert facts["endpoints"] == {"shop/reviews": {"ready": 3, "notReady": 1}}
    assert facts["nodes"] == {"one": {"topology.kubernetes.io/zone": "a"}}
    assert facts["versions"] == {"kubernetes": "v1.35.0", "proxies": "istio/proxyv2:1.31.1"}


def test_a_condition_on_a_credential_holds_live_and_is_not_guessed_from_a_bundle(shop: Any) -> None:
    words = ("http://reviews.shop/", "-H", f"Authorization: Bearer {SECRET}")
    assert "reviews.shop/v2 100 %" in shop.live("explain", *words)
    shop.run(*CAPTURE)
    (shop.here / "kept.yaml").write_bytes(read(shop.here / "bundle.tar.gz").files[OBJECTS])
    told = shop.run("explain", "-f", "kept.yaml", "-n", "shop", *words, code=1)
    assert "what of VirtualService shop/reviews was left out as a credential: not read of the cluster" in told


def test_the_cluster_is_only_read(shop: Any) -> None:
    before = repr(shop.api.objects)
    shop.run("capture", "--context", "lab", "-A")
    shop.live("explain", "http://reviews.shop/")
    assert repr(shop.api.objects) == before
    wrote = {(method, path.rpartition("/")[2]) for method, path in shop.api.calls if method != "GET"}
    assert wrote <= {("POST", "selfsubjectaccessreviews")}


def test_the_same_cluster_gives_the_same_bytes(shop: Any) -> None:
    shop.run(*CAPTURE)
    first = (shop.here / "bundle.tar.gz").read_bytes()
    for one in shop.api.objects.values():
        one["metadata"] |= {"resourceVersion": "77", "managedFields": [{"time": "now"}]}
    shop.api.objects = dict(reversed(shop.api.objects.items()))
    shop.run(*CAPTURE)
    assert (shop.here / "bundle.tar.gz").read_bytes() == first


def test_what_may_not_be_listed_costs_the_requests_that_it_may_decide(shop: Any) -> None:
    shop.api.refuse["/apis/networking.istio.io/v1beta1/virtualservices"] = FORBIDDEN
    told = shop.live("explain", "http://reviews.shop/", code=1)
    assert "VirtualServices of networking.istio.io/v1beta1 of other namespaces than shop, istio-system" in told
    assert "90 %" in told, "those of its own namespace are known"
    del shop.api.refuse["/apis/networking.istio.io/v1beta1/virtualservices"]
    shop.live("explain", "http://reviews.shop/")


def test_pods_that_no_workload_tells_of_are_not_guessed(shop: Any) -> None:
    (one,) = (body for path, body in shop.api.objects.items() if "endpointslices" in path)
    one["endpoints"] = one["endpoints"][:1]
    told = shop.live("explain", "http://reviews.shop/", code=1)
    assert "its EndpointSlices have 1 ready addresses, and its workloads 3 pods" in told


def test_a_secret_of_a_gateway_is_read_where_it_is_asked_for_and_missed_where_not(shop: Any) -> None:
    server = {"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": ["shop.test"]}
    server["tls"] = {"mode": "SIMPLE", "credentialName": "shop-cert"}
    shop.api.put("Gateway", "main", "shop", spec={"selector": {"istio": "ingressgateway"}, "servers": [server]})
    missing = [one for one in captured(shop) if one["kind"] == "NotRead"]
    assert {"what": "Secret istio-system/shop-cert, which only --secrets reads", "gateways": ["shop/main"]} in [
        one["spec"] for one in missing
    ]
    assert not any("secrets" in path for _, path in shop.api.calls)


def test_namespaces_are_named_or_all_meant(shop: Any) -> None:
    assert "-n NAME, or -A" in shop.run("capture", "--context", "lab", code=4)
    assert "no namespace nowhere" in shop.run("capture", "--context", "lab", "-n", "nowhere", code=4)


def test_the_documented_role_grants_what_is_read_and_no_change(shop: Any) -> None:
    documents = yaml.safe_load_all((Path(__file__).parents[4] / "docs" / "rbac.yaml").read_text())
    (role,) = (one for one in documents if one and one["metadata"]["name"] == "meshproof-capture")
    granted = {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    wanted = {
        ("list", group.name, re.sub(r"(?:y|s)$", lambda end: {"y": "ie", "s": "se"}[end[0]], kind.lower()) + "s")
        for group in (*ROUTING, *WITHIN, *WORKLOADS)
        for kind in group.kinds
    }
    own = {("list", "", "namespaces"), ("list", "", "nodes"), ("get", "", "namespaces"), ("get", "", "configmaps")}
    forwarding = {(verb, "", "pods/portforward") for verb in ("get", "create")}
    assert granted == {(verb, group, _plural(name)) for verb, group, name in wanted} | own | forwarding
    shop.run(*CAPTURE)
    listed = {
        path.rpartition("/")[2] for _, path in shop.api.calls if path.count("/") > 3 and "kube-system" not in path
    }
    assert listed <= {resource for _, _, resource in granted} | {"istio", "v1", "v1beta1"}


def _plural(name: str) -> str:
    """Gateways are `gateways`, whatever English says of a y after a vowel."""
    return name.replace("gatewaies", "gateways")


def test_the_revision_default_has_the_mesh_configuration_without_a_suffix(shop: Any) -> None:
    assert "ConfigMap" in {one["kind"] for one in captured(shop, "--revision", "default")}
    assert "ConfigMap" not in {one["kind"] for one in captured(shop, "--revision", "1-30")}
