"""Each check of an installation passes what is right, fails what is wrong, and does not pass what is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.facts.installation import (
    Balance,
    Definition,
    GatewayFact,
    InstallFacts,
    Message,
    NodeFact,
    PodFact,
    Specified,
)
from meshproof.border.verdict import Outcome
from meshproof.judge.installation import istio, kubernetes

HUB = "registry.example/library"
SERVED = ("v1", "v1beta1", "v1alpha3")
RIGHT = InstallFacts(
    specified=Specified("1.30.4", HUB, "nftables"),
    kubernetes="v1.35.2",
    istio="1.30.4",
    istioctl="1.30.1",
    nodes=(
        NodeFact("one", True, "6.1.0-18-amd64", "v1.35.2", "nftables", "running"),
        NodeFact("two", True, "5.14.0-427.el9.x86_64", "v1.35.2", "nftables", "running"),
    ),
    pods=(
        PodFact("istiod-1", {"discovery": f"{HUB}/pilot:1.30.4"}),
        PodFact("istio-ingressgateway-1", {"istio-proxy": f"{HUB}/proxyv2:1.30.4"}),
    ),
    sidecar=f"{HUB}/proxyv2:1.30.4",
    definitions=tuple(Definition(f"{kind}.networking.istio.io", SERVED) for kind in istio.KINDS),
    balance=Balance(("a", "b"), 64, {"a": 30, "b": 34}),
    gateways=(GatewayFact("istio-ingressgateway", ("10.0.0.9",), 200),),
    messages=(Message("IST0102", "Info", "Namespace other", "not injected"),),
)
CHECKS: tuple[Any, ...] = (
    kubernetes.KubernetesSupported(),
    kubernetes.NodesReady(),
    kubernetes.KubeProxyMode(),
    kubernetes.ServiceBalances(),
    istio.VersionAsSpecified(),
    istio.ControlPlaneHealthy(),
    istio.ImagesFromHub(),
    istio.InjectionOn(),
    istio.GatewayReachable(),
    istio.DefinitionsServed(),
    istio.AnalysisClean(),
)
NEEDS = {
    "NodesReady": "nodes",
    "KubeProxyMode": "nodes",
    "ServiceBalances": "balance",
    "ControlPlaneHealthy": "pods",
    "ImagesFromHub": "pods",
    "InjectionOn": "sidecar",
    "GatewayReachable": "gateways",
    "DefinitionsServed": "definitions",
    "AnalysisClean": "messages",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_what_is_right_passes(check: Any) -> None:
    verdict = check.judge(RIGHT)
    assert verdict.outcome is Outcome.PASSED, verdict.reason


@pytest.mark.parametrize("check", [one for one in CHECKS if one.name in NEEDS], ids=lambda check: check.name)
def test_what_is_not_known_does_not_pass(check: Any) -> None:
    field = NEEDS[check.name]
    verdict = check.judge(replace(RIGHT, **{field: None}, unknown={field: "forbidden to this user"}))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "forbidden to this user" in verdict.reason


def node(number: int, **fields: Any) -> tuple[NodeFact, ...]:
    assert RIGHT.nodes is not None
    return tuple(replace(one, **fields) if place == number else one for place, one in enumerate(RIGHT.nodes))


def served(*versions: str) -> tuple[Definition, ...]:
    return tuple(Definition(f"{kind}.networking.istio.io", versions) for kind in istio.KINDS)


def pods(**images: str) -> tuple[PodFact, ...]:
    return (PodFact("istiod-1", images),)


WRONG: tuple[tuple[Any, dict[str, Any], str], ...] = (
    (kubernetes.KubernetesSupported(), {"kubernetes": "v1.31.9"}, "Istio 1.30 supports Kubernetes 1.32 to 1.36"),
    (kubernetes.KubernetesSupported(), {"istio": "1.9.5"}, "Istio 1.9 supports Kubernetes 1.17 to 1.20"),
    (kubernetes.NodesReady(), {"nodes": node(1, ready=False)}, "two is not ready"),
    (kubernetes.NodesReady(), {"nodes": ()}, "there are no nodes"),
    (kubernetes.NodesReady(), {"nodes": node(0, kernel="5.10.0-28")}, "kernel 5.10.0-28, and nftables needs 5.13"),
    (
        kubernetes.NodesReady(),
        {"nodes": node(1, kernel="3.10.0-1160.el7.x86_64"), "specified": Specified(kube_proxy="ipvs")},
        "two runs kernel 3.10.0-1160.el7.x86_64, and ipvs needs 4.1",
    ),
    (
        kubernetes.KubeProxyMode(),
        {"nodes": node(1, kube_proxy="iptables")},
        "nftables is specified, and two has iptables",
    ),
    (
        kubernetes.KubeProxyMode(),
        {"nodes": node(1, kube_proxy="iptables"), "specified": Specified()},
        "not the same everywhere: one has nftables, two has iptables",
    ),
    (kubernetes.ServiceBalances(), {"balance": Balance(("a", "b"), 64, {"a": 64})}, "b got none of 64 connections"),
    (
        kubernetes.ServiceBalances(),
        {"balance": Balance(("a", "b"), 64, {"a": 30, "b": 33}, "timed out")},
        "1 of 64 connections were not answered: timed out",
    ),
    (kubernetes.ServiceBalances(), {"balance": Balance(("a", "b"), 3, {"a": 1, "b": 1, "c": 1})}, "c answered, and"),
    (istio.VersionAsSpecified(), {"istio": "1.30.3"}, "Istio 1.30.4 is specified, and 1.30.3 is installed"),
    (istio.VersionAsSpecified(), {"istioctl": "1.29.0"}, "istioctl is of 1.29.0, the control plane of 1.30.4"),
    (
        istio.ControlPlaneHealthy(),
        {"pods": (PodFact("istiod-1", {}), PodFact("istio-egressgateway-1", {}, "ImagePullBackOff"))},
        "istio-egressgateway-1: ImagePullBackOff",
    ),
    (istio.ControlPlaneHealthy(), {"pods": (PodFact("istio-ingressgateway-1", {}),)}, "there is no pod of istiod"),
    (
        istio.ImagesFromHub(),
        {"pods": pods(discovery="docker.io/istio/pilot:1.30.4")},
        "istiod-1/discovery has docker.io",
    ),
    (istio.ImagesFromHub(), {"pods": pods(discovery=f"{HUB}-other/pilot:1.30.4")}, "not from registry.example/library"),
    (istio.ImagesFromHub(), {"sidecar": "istio/proxyv2:1.30.4"}, "injected sidecar has istio/proxyv2"),
    (istio.InjectionOn(), {"sidecar": ""}, "a new pod gets no sidecar"),
    (istio.GatewayReachable(), {"gateways": (GatewayFact("in", (), 503),)}, "in: answers 503"),
    (istio.GatewayReachable(), {"gateways": (GatewayFact("in", (), 0, "no pod"),)}, "in: no pod"),
    (istio.DefinitionsServed(), {"definitions": ()}, "virtualservices is not defined"),
    (istio.DefinitionsServed(), {"definitions": served("v1beta1", "v1")}, "gateways is not served as v1alpha3"),
    (istio.DefinitionsServed(), {"definitions": served("v1alpha3", "v1beta1")}, "gateways is not served as v1"),
    (istio.AnalysisClean(), {"messages": (Message("IST0101", "Error", "VirtualService a", "no host"),)}, "IST0101"),
    *(
        (istio.AnalysisClean(), {"messages": (Message("IST0108", "Warning", about, "unknown"),)}, "Warning IST0108")
        for about in ("Gateway istio-system/a", "Namespace istio-system", "MutatingWebhookConfiguration a")
    ),
)


def test_warnings_about_other_objects_are_reported_and_fail_nothing() -> None:
    messages = tuple(Message("IST0108", "Warning", about, "unknown") for about in ("Gateway shop/a", "Namespace shop"))
    verdict = istio.AnalysisClean().judge(replace(RIGHT, messages=messages))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason == "no errors; 2 warnings about others, 0 notes"
    assert "Gateway shop/a" in str(verdict.evidence)


def test_an_analysis_that_this_user_may_not_make_is_skipped_with_the_role_that_allows_it() -> None:
    facts = replace(RIGHT, messages=None, withheld={"messages": "secrets is forbidden: role meshproof-analyze"})
    verdict = istio.AnalysisClean().judge(facts)
    assert verdict.outcome is Outcome.SKIPPED
    assert "meshproof-analyze" in verdict.reason


@pytest.mark.parametrize(("check", "fields", "told"), WRONG, ids=[f"{one[0].name}-{one[2]}" for one in WRONG])
def test_what_is_wrong_fails_with_the_reason(check: Any, fields: dict[str, Any], told: str) -> None:
    verdict = check.judge(replace(RIGHT, **fields))
    assert (verdict.outcome, told in verdict.reason) == (Outcome.FAILED, True), verdict.reason


UNDECIDED: tuple[tuple[Any, dict[str, Any], str], ...] = (
    (kubernetes.KubernetesSupported(), {"istio": ""}, "what that release supports is not known here"),
    (kubernetes.KubernetesSupported(), {"istio": "1.99.0"}, "is not known here (known up to 1.31)"),
    (
        kubernetes.KubeProxyMode(),
        {"nodes": node(1, kube_proxy="", mode_from=""), "unknown": {"kube_proxy": "there are no pods"}},
        "the mode of two is not known: there are no pods",
    ),
    (kubernetes.ServiceBalances(), {"balance": Balance(("a",), 64, {"a": 64})}, "fewer than two pods"),
)


@pytest.mark.parametrize(("check", "fields", "told"), UNDECIDED, ids=[f"{one[0].name}-{one[2]}" for one in UNDECIDED])
def test_what_is_unknown_is_undecided(check: Any, fields: dict[str, Any], told: str) -> None:
    verdict = check.judge(replace(RIGHT, **fields))
    assert (verdict.outcome, told in verdict.reason) == (Outcome.INCONCLUSIVE, True), verdict.reason


def test_what_was_not_specified_is_not_judged() -> None:
    nothing = replace(RIGHT, specified=Specified())
    assert istio.ImagesFromHub().judge(nothing).outcome is Outcome.SKIPPED
    assert kubernetes.KubeProxyMode().judge(nothing).outcome is Outcome.PASSED
    mode = kubernetes.KubeProxyMode().judge(replace(nothing, nodes=node(0, kube_proxy="ipvs")[:1]))
    assert (mode.outcome, "deprecated since Kubernetes 1.35: nftables" in mode.reason) == (Outcome.PASSED, True)
    assert istio.VersionAsSpecified().judge(nothing).outcome is Outcome.PASSED
    for wanted, outcome in (("1.30", Outcome.PASSED), ("1.3", Outcome.FAILED)):
        assert istio.VersionAsSpecified().judge(replace(RIGHT, specified=Specified(wanted))).outcome is outcome
    assert istio.GatewayReachable().judge(replace(RIGHT, gateways=())).outcome is Outcome.SKIPPED


def test_the_original_pairing_passes() -> None:
    original = replace(
        RIGHT,
        specified=Specified("1.9.5", HUB, "ipvs"),
        kubernetes="v1.20.15",
        istio="1.9.5",
        istioctl="1.9.5",
        nodes=(NodeFact("one", True, "5.4.119-1.el7.elrepo.x86_64", "v1.20.15", "ipvs", "configured"),),
        definitions=served("v1alpha3", "v1beta1"),
    )
    assert {check.judge(original).outcome for check in CHECKS} == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("image", "hub", "inside"),
    [
        ("istio/pilot:1", "docker.io/istio", True),
        ("docker.io/istio/pilot:1", "istio", True),
        ("localhost:5000/istio/pilot:1", "localhost:5000/istio/", True),
        ("registry.example/library/pilot@sha256:0", "registry.example/library", True),
        ("registry.example/library2/pilot", "registry.example/library", False),
        ("quay.io/istio/pilot", "istio", False),
    ],
)
def test_an_image_is_of_a_hub_by_its_whole_name(image: str, hub: str, inside: bool) -> None:
    assert istio.from_hub(image, Specified(hub=hub)) is inside
