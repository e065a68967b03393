"""kube-proxy itself, on the newer kernel, in each of its modes: judged over ssh, by what the kernel has, by answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from guest_host import judged, looked_at
from guest_pods import SERVICES
from meshproof.border.facts.hosts import HostsFacts
from meshproof.border.facts.installation import InstallFacts
from meshproof.judge.hosts import IpvsModules, KubeProxyAsExpected
from meshproof.judge.installation.kubernetes import KubeProxyMode, ServiceBalances

DEPRECATED = "deprecated since Kubernetes 1.35: nftables, with a kernel of 5.13 or newer, takes its place"
HIDDEN = "/root/ipvs.hidden"
FOLDER = "/lib/modules/$(uname -r)/kernel/net/netfilter/ipvs"
UNLOADED = "modprobe -r ip_vs_sh ip_vs_wrr ip_vs_rr ip_vs"
LOADED = "cut -d' ' -f1 /proc/modules | grep -x -e ip_vs -e ip_vs_rr | sort"


def outcome(check: Any, found: InstallFacts | HostsFacts) -> tuple[str, str]:
    verdict = check.judge(found)
    return str(verdict.outcome), verdict.reason


@pytest.mark.parametrize("mode", ["ipvs", "nftables", "iptables"])
@pytest.mark.parametrize("version", ["older", "newer"], indirect=True)
def test_a_service_balances_and_its_mode_is_told(prepared: Any, version: str, mode: str) -> None:
    node = prepared.node
    for service, (_, pods) in SERVICES.items():
        node.distribute(service, pods)
    node.start(version, mode)
    try:
        for service, (_, pods) in SERVICES.items():
            node.wait_for(mode, service, pods)

        # What is asked over ssh on the host, and what of a cluster's node.
        told = f"ipvs ({DEPRECATED})" if mode == "ipvs" else mode
        other = "iptables" if mode == "ipvs" else "ipvs"
        seen = looked_at(prepared.inventory(mode))
        assert outcome(KubeProxyAsExpected(), seen) == ("passed", f"worker-1: {told}")
        assert outcome(IpvsModules(), seen)[0] == "passed"
        (host,) = seen.hosts
        wrong = KubeProxyAsExpected().judge_host(replace(host, expect=replace(host.expect, proxy_mode=other)))
        assert (str(wrong.outcome), wrong.reason) == ("failed", f"{mode}, and {other} is expected")
        running = asyncio.run(prepared.facts(mode))
        assert outcome(KubeProxyMode(), running) == ("passed", f"{told} on every node (running)")
        assert outcome(KubeProxyMode(), asyncio.run(prepared.facts(other)))[0] == "failed"

        for service, (_, pods) in SERVICES.items():
            balance = node.balance(service)
            judgement = outcome(ServiceBalances(), asyncio.run(prepared.facts(mode, balance)))
            assert judgement == ("passed", f"64 connections reached {len(pods)} pods"), balance
            for from_pod in (True, False):
                evenly(mode, node.answers(service, 20 * len(pods), from_pod=from_pod), pods)

        # An endpoint that goes is gone, from the kernel and for whoever asks.
        node.distribute("three", ("b1", "b3"))
        node.wait_for(mode, "three", ("b1", "b3"))
        evenly(mode, node.answers("three", 40, from_pod=True), ("b1", "b3"))
        without = asyncio.run(prepared.facts(mode, node.balance("three")))
        assert outcome(ServiceBalances(), without)[0] == "failed"
        node.distribute("three", ("b1", "b2", "b3"))
        node.wait_for(mode, "three", ("b1", "b2", "b3"))
        assert set(node.answers("three", 60, from_pod=True)) == {"b1", "b2", "b3"}
        # Since 1.35 it says so itself.
        assert ("ipvs proxier has been deprecated" in node.log()) == (mode == "ipvs" and version > "1.34.99")
    finally:
        node.stop()


def evenly(mode: str, answers: Counter[str], pods: tuple[str, ...]) -> None:
    """Each pod has answered, and no other: round robin the same number, drawn at random any (none in 1e-10 of runs)."""
    assert set(answers) == set(pods), answers
    if mode == "ipvs":
        assert max(answers.values()) - min(answers.values()) <= 1, answers


@pytest.mark.parametrize("version", ["older", "newer"], indirect=True)
def test_ipvs_modules_that_are_not_loaded_are_loaded_by_kube_proxy(prepared: Any, version: str) -> None:
    node = prepared.node
    node.empty()
    node.guest.run(UNLOADED)
    assert node.guest.run(LOADED, check=False) == ""
    assert judged(prepared.inventory("ipvs"), IpvsModules())["IpvsModules"][0] == "failed"
    node.start(version, "ipvs")
    try:
        node.wait_for("ipvs", "two", ("b1", "b2"))
        assert node.guest.run(LOADED).split() == ["ip_vs", "ip_vs_rr"]
    finally:
        node.stop()


@pytest.mark.parametrize("version", ["older", "newer"], indirect=True)
def test_without_ipvs_in_the_kernel_kube_proxy_refuses_and_falls_back_to_nothing(prepared: Any, version: str) -> None:
    node = prepared.node
    node.empty()
    node.guest.run(f"{UNLOADED}; mv {FOLDER} {HIDDEN} && depmod")
    try:
        node.start(version, "ipvs")
        assert node.exit_code() == 1
        assert "can't use the IPVS proxier: ipvs not supported" in node.log().replace("Ipvs", "ipvs")
        found = judged(prepared.inventory("ipvs"), IpvsModules(), KubeProxyAsExpected())
        assert "ip_vs is not there for the running kernel" in found["IpvsModules"][1]
        assert found["KubeProxyAsExpected"] == ("inconclusive", "worker-1: nothing answers on 127.0.0.1:10249")
        assert set(node.answers("two", 4, from_pod=True)) == {""}
    finally:
        node.stop()
        node.guest.run(f"mv {HIDDEN} {FOLDER} && depmod")
