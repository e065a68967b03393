"""Each check passes a conforming host; one that is wrong in one place fails or is inconclusive."""

from dataclasses import replace

import pytest
from meshproof.border.facts.hosts import (
    BalanceFacts,
    ClockFacts,
    DiskFacts,
    HostsFacts,
    ImageFacts,
    ModuleFacts,
    ProxyFacts,
    RegistryFacts,
    ServiceFacts,
    ToolFacts,
)
from meshproof.border.inventory import HostExpectation
from meshproof.judge import hosts
from meshproof.judge.hosts import (
    ClockRight,
    ContainerRuntime,
    ControlGroups,
    DiskRoom,
    Distribution,
    IpvsBalances,
    IpvsModules,
    IpvsModulesPersist,
    IstioctlOnPath,
    KernelSettings,
    KubeletRuns,
    KubeProxyAsExpected,
    RegistryHoldsImages,
    SwapOff,
)

ALL = [getattr(hosts, name)() for name in hosts.__all__]


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_a_conforming_host_passes(check, judged):
    outcome, reason = judged(check)
    assert outcome == "passed", reason
    assert reason.startswith("worker-1: ")


def test_a_mode_of_kube_proxy_that_is_deprecated_says_so_and_what_takes_its_place(conforming):
    said = {}
    for wanted in ("ipvs", "nftables", ""):
        expect = replace(conforming.expect, proxy_mode=wanted)
        host = replace(conforming, expect=expect, proxy=ProxyFacts(wanted or "ipvs"))
        said[wanted] = KubeProxyAsExpected().judge_host(host).reason
    note = "ipvs (deprecated since Kubernetes 1.35: nftables, with a kernel of 5.13 or newer, takes its place)"
    assert said == {"ipvs": note, "nftables": "nftables", "": f"{note} (nothing is expected)"}


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_one_wrong_host_among_others_is_named(check, conforming):
    other = replace(conforming, label="worker-2", expect=HostExpectation(kernel="9", distribution="debian"))
    verdict = check.judge(HostsFacts((conforming, other, replace(conforming, label="worker-3"))))
    assert set(verdict.evidence) == {"worker-1", "worker-2", "worker-3"}
    if check.name in ("Distribution", "RunningKernel", "NextBoot"):
        assert verdict.outcome == "failed"
        assert verdict.reason.startswith("worker-2: ")
    else:
        assert verdict.outcome == "passed"


def modules(state="loaded", file="/etc/modules-load.d/ipvs.conf", blacklisted=""):
    return (ModuleFacts("ip_vs", state, file, blacklisted), ModuleFacts("ip_vs_rr", "loaded", file))


def system(conforming, **different):
    return {"system": replace(conforming.system, **different)}


WRONG = [
    (IpvsModules, {"modules": modules("loadable")}, "failed", "ip_vs is not loaded, though it could be"),
    (IpvsModules, {"modules": modules("missing")}, "failed", "ip_vs is not there for the running kernel"),
    (IpvsModules, {"modules": modules("built in")}, "passed", "1 built in, 1 loaded"),
    (IpvsModules, {"modules": ()}, "skipped", "no modules"),
    (IpvsModulesPersist, {"modules": modules(file="")}, "failed", "no file loads ip_vs, ip_vs_rr at boot"),
    (IpvsModulesPersist, {"modules": modules(blacklisted="/etc/modprobe.d/x.conf")}, "failed", "blacklisted in /etc"),
    (
        IpvsModulesPersist,
        {"modules": (ModuleFacts("ip_vs", "built in"), ModuleFacts("ip_vs_rr", "loaded", "/a.conf"))},
        "passed",
        "/a.conf",
    ),
    (IpvsBalances, {"balance": BalanceFacts(("1",) * 10)}, "failed", "backend 1 10"),
    (IpvsBalances, {"balance": BalanceFacts(("1", "2", "1", "1"))}, "failed", "backend 1 3, backend 2 1"),
    (IpvsBalances, {"balance": BalanceFacts(("1", "nothing"))}, "failed", "nothing"),
    (IpvsBalances, {"balance": BalanceFacts()}, "failed", "no answer"),
    (IpvsBalances, {"balance": BalanceFacts(("1",), error="ipvsadm: no")}, "failed", "ipvsadm: no"),
    (IpvsBalances, {"balance": BalanceFacts(unseen="no sudo")}, "inconclusive", "not shown: no sudo"),
    (ClockRight, {"clock": ClockFacts(True, "", 3.0, 0.1)}, "failed", "+3.00 s from ours"),
    (ClockRight, {"clock": ClockFacts(True, "", -3.0, 0.1)}, "failed", "-3.00 s from ours"),
    (ClockRight, {"clock": ClockFacts(False, "chronyd", 0.0, 0.1)}, "failed", "not synchronised (chronyd runs)"),
    (ClockRight, {"clock": ClockFacts(None, "", 0.0, 0.1)}, "inconclusive", "does not say"),
    (ClockRight, {"clock": ClockFacts(True, "", 1.5, 1.0)}, "inconclusive", "too coarse"),
    (ClockRight, {"clock": ClockFacts(True, "", 0.0, 2.0)}, "inconclusive", "too coarse"),
    (DiskRoom, {"disks": (DiskFacts("/boot", 1000, 99, True),)}, "failed", "/boot has 99 B free, and 100 B are"),
    (DiskRoom, {"disks": (DiskFacts("/boot", 1000, 500, False),)}, "failed", "/boot is mounted read-only"),
    (DiskRoom, {"disks": (DiskFacts("/boot", 0, 0, False, "there is no /boot"),)}, "failed", "there is no /boot"),
    (ContainerRuntime, {"runtimes": (ServiceFacts("docker", "inactive", "enabled"),)}, "failed", "docker is inactive"),
    (ContainerRuntime, {"runtimes": (ServiceFacts("docker", "active", "disabled"),)}, "failed", "not started at boot"),
    (KubeletRuns, {"kubelet": ServiceFacts("kubelet", "failed", "enabled")}, "failed", "kubelet is failed"),
    (KubeletRuns, {"kubelet": ServiceFacts("kubelet", "active", "enabled", "Kubernetes v1.2.0")}, "failed", "1.20 is"),
    (
        KubeletRuns,
        {"kubelet": ServiceFacts("kubelet", "active", "enabled")},
        "inconclusive",
        "does not say its version",
    ),
    (
        KubeletRuns,
        {"kubelet": ServiceFacts("kubelet", "unknown", "", unseen="no systemd")},
        "inconclusive",
        "no systemd",
    ),
    (KubeProxyAsExpected, {"proxy": ProxyFacts("iptables")}, "failed", "iptables, and ipvs is expected"),
    (KubeProxyAsExpected, {"proxy": ProxyFacts(unseen="nothing answers")}, "inconclusive", "nothing answers"),
    (IstioctlOnPath, {"istioctl": ToolFacts()}, "failed", "neither"),
    (IstioctlOnPath, {"istioctl": ToolFacts("/a/istioctl", "", "1.9.5")}, "failed", "a non-login shell does not"),
    (IstioctlOnPath, {"istioctl": ToolFacts("", "/a/istioctl", "1.9.5")}, "failed", "a login shell does not"),
    (IstioctlOnPath, {"istioctl": ToolFacts("/a/istioctl", "/b/istioctl", "1.9.5")}, "failed", "/b/istioctl"),
    (IstioctlOnPath, {"istioctl": ToolFacts("/a", "/a", "1.9.50")}, "failed", "1.9.50, and 1.9.5 is expected"),
    (IstioctlOnPath, {"istioctl": ToolFacts("/a", "/a", "")}, "failed", "does not say its version"),
    (RegistryHoldsImages, {"registry": None}, "skipped", "no registry"),
    (RegistryHoldsImages, {"registry": RegistryFacts(error="refused")}, "failed", "no answer: refused"),
    (RegistryHoldsImages, {"registry": RegistryFacts(unseen="no curl")}, "inconclusive", "no curl"),
    (RegistryHoldsImages, {"registry": RegistryFacts(503)}, "failed", "it answers 503 to /v2/"),
    (RegistryHoldsImages, {"registry": RegistryFacts(500)}, "failed", "it answers 500 to /v2/"),
    (RegistryHoldsImages, {"registry": RegistryFacts(200, (ImageFacts("a:1", 403),))}, "failed", "a:1 may not be read"),
    (RegistryHoldsImages, {"registry": RegistryFacts(200, (ImageFacts("a:1", 404),))}, "failed", "does not hold a:1"),
    (RegistryHoldsImages, {"registry": RegistryFacts(401, (ImageFacts("a:1", 401),))}, "failed", "a:1 may not be read"),
]


@pytest.mark.parametrize(("check", "different", "outcome", "words"), WRONG)
def test_what_is_wrong_is_reported(check, different, outcome, words, judged):
    found, reason = judged(check(), **different)
    assert (found, words in reason) == (outcome, True), reason


@pytest.mark.parametrize(
    ("check", "different", "words"),
    [
        (SwapOff, {"swaps": ("/dev/sda2",)}, "/dev/sda2 is in use"),
        (SwapOff, {"swap_entries": ("/dev/sda2",)}, "off now, but /etc/fstab brings /dev/sda2 back"),
        (ControlGroups, {"cgroup": 2}, "version 2, and version 1 is expected"),
        (KernelSettings, {"sysctls": {"net.ipv4.ip_forward": "0"}}, "net.ipv4.ip_forward is 0"),
        (KernelSettings, {"sysctls": {"net.bridge.bridge-nf-call-iptables": ""}}, "load br_netfilter"),
        (Distribution, {"distribution": "debian"}, "centos 7 is expected"),
        (Distribution, {"version": "70"}, "centos 7 is expected"),
    ],
)
def test_what_is_wrong_with_the_system_is_reported(check, different, words, judged, conforming):
    outcome, reason = judged(check(), **system(conforming, **different))
    assert (outcome, words in reason) == ("failed", True), reason


def test_what_nobody_expects_is_reported_and_not_judged(judged):
    unspecified = HostExpectation(modules=(), swap=None)
    kinds = {check.name: judged(check, expect=unspecified, modules=())[0] for check in ALL}
    judged_still = {"GrubDefault", "NextBoot", "KernelSettings", "ClockRight", "RegistryHoldsImages"}
    assert {name for name, outcome in kinds.items() if outcome != "skipped"} == judged_still
