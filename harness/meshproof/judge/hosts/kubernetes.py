"""What a host runs of Kubernetes: container runtime, kubelet and kube-proxy."""

from __future__ import annotations

import re

from meshproof.border.facts.hosts import HostFacts, ServiceFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, undecided
from meshproof.judge.hosts.check import HostCheck, matches, unjudged
from meshproof.judge.proxy_modes import noted

UNITS = {"cri-o": "crio"}


class ContainerRuntime(HostCheck):
    """The expected container runtime runs, and starts at boot."""

    def judge_host(self, host: HostFacts) -> Verdict:
        wanted = host.expect.container_runtime
        running = [_state(unit) for unit in host.runtimes if unit.running]
        if not wanted:
            return unjudged(", ".join(running) or "no container runtime runs")
        unit = next(unit for unit in host.runtimes if unit.name == UNITS.get(wanted, wanted))
        return _runs(unit)


class KubeletRuns(HostCheck):
    """The kubelet runs, starts at boot, and is of the expected version."""

    def judge_host(self, host: HostFacts) -> Verdict:
        wanted, unit = host.expect.kubelet, host.kubelet
        if not wanted:
            return unjudged(_state(unit))
        version = re.search(r"v?(\d+\.\d+[\w.+-]*)", unit.version)
        found = _runs(unit)
        if unit.running and version and not matches(wanted.removeprefix("v"), version[1]):
            return failed(f"{version[1]} runs, and {wanted} is expected")
        if unit.running and not version:
            return undecided("it runs, and does not say its version")
        return found


class KubeProxyAsExpected(HostCheck):
    """kube-proxy on this host says that it runs in the expected mode."""

    def judge_host(self, host: HostFacts) -> Verdict:
        wanted, proxy = host.expect.proxy_mode, host.proxy
        if not wanted:
            return unjudged(noted(proxy.mode) or proxy.unseen)
        if proxy.unseen:
            return undecided(proxy.unseen)
        return passed(noted(wanted)) if proxy.mode == wanted else failed(f"{proxy.mode}, and {wanted} is expected")


def _runs(unit: ServiceFacts) -> Verdict:
    if unit.unseen:
        return undecided(f"{unit.name}: {unit.unseen}")
    if not unit.running:
        return failed(f"{unit.name} is {unit.active}")
    if unit.enabled == "disabled":
        return failed(f"{unit.name} runs, and is not started at boot")
    return passed(_state(unit))


def _state(unit: ServiceFacts) -> str:
    state = "runs" if unit.running else f"is {unit.active}"
    return f"{unit.name} {state}{f' ({unit.version})' if unit.version else ''}"
