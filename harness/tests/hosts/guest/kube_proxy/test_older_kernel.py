"""kube-proxy on the older kernel, where `hosts prepare` has not run: what is wrong is the kernel, and it alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from guest_host import judged
from guest_pods import SERVICES
from meshproof.judge.hosts import IpvsModules, KubeProxyAsExpected, RunningKernel
from meshproof.judge.installation.kubernetes import KubeProxyMode, ServiceBalances


@pytest.mark.parametrize("mode", ["ipvs", "nftables", "iptables"])
def test_the_kernel_fails_though_services_balance(unprepared: Any, version: str, mode: str) -> None:
    node, (_, pods) = unprepared.node, SERVICES["three"]
    node.start(version, mode)
    try:
        node.wait_for(mode, "three", pods)
        found = judged(unprepared.inventory(mode), RunningKernel(), IpvsModules(), KubeProxyAsExpected())
        assert found["RunningKernel"][0] == "failed"
        assert f"{unprepared.newer} is installed and would need a boot" in found["RunningKernel"][1]
        assert found["KubeProxyAsExpected"][0] == "passed"
        # kube-proxy has loaded them itself.
        assert mode != "ipvs" or found["IpvsModules"][0] == "passed"
        facts = asyncio.run(unprepared.facts(mode, node.balance("three")))
        assert str(KubeProxyMode().judge(facts).outcome) == "passed"
        assert str(ServiceBalances().judge(facts).outcome) == "passed", facts.balance
    finally:
        node.stop()
