"""A host that is as expected, to be made wrong in one place at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.facts.boot import Assignment, BootFacts, MenuEntry, NextBoot
from meshproof.border.facts.hosts import (
    BalanceFacts,
    ClockFacts,
    DiskFacts,
    HostFacts,
    HostsFacts,
    ImageFacts,
    ModuleFacts,
    ProxyFacts,
    RegistryFacts,
    ServiceFacts,
    SystemFacts,
    ToolFacts,
)
from meshproof.border.inventory import IPVS_MODULES, HostExpectation

NEW, OLD = "5.4.119-1.el7.elrepo.x86_64", "3.10.0-1160.el7.x86_64"
SYSCTLS = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
ENTRIES = (MenuEntry("0", "new", "n", NEW), MenuEntry("1", "old", "o", OLD))

CONFORMING = HostFacts(
    "worker-1",
    "worker",
    HostExpectation(
        "5.4", "centos 7", proxy_mode="ipvs", container_runtime="docker", kubelet="1.20", cgroup=1,
        disk=(("/boot", 100), ("/var/lib", 1000)), istioctl="1.9.5",
    ),
    SystemFacts("centos", "7", "CentOS Linux 7 (Core)", NEW, (OLD, NEW), 1, (), (), SYSCTLS),
    BootFacts(
        "bios", "/boot/grub2/grub.cfg", "/boot/grub2/grubenv",
        (Assignment("/etc/default/grub", 3, "saved"), Assignment("/etc/default/grub", 9, "0")),
        "0", "", ENTRIES, NextBoot(ENTRIES[0], "entry number 0", "0"),
    ),
    tuple(ModuleFacts(name, "loaded", "/etc/modules-load.d/ipvs.conf") for name in IPVS_MODULES),
    BalanceFacts(("1", "2") * 5),
    ClockFacts(True, "chronyd", 0.02, 0.05),
    (DiskFacts("/boot", 1000, 500, True), DiskFacts("/var/lib", 10000, 5000, True)),
    (
        ServiceFacts("docker", "active", "enabled", "Docker version 20.10.7"),
        ServiceFacts("containerd", "active", "enabled"),
    ),
    ServiceFacts("kubelet", "active", "enabled", "Kubernetes v1.20.2"),
    ProxyFacts("ipvs"),
    ToolFacts("/usr/local/bin/istioctl", "/usr/local/bin/istioctl", "1.9.5"),
    RegistryFacts(200, (ImageFacts("pilot:1.9.5", 200, "sha256:1"),)),
)  # fmt: skip


@pytest.fixture
def conforming() -> HostFacts:
    return CONFORMING


@pytest.fixture
def judged(conforming: HostFacts) -> Callable[..., tuple[str, str]]:
    """Call it with a check and what is different on the host: the outcome and the reason."""

    def call(check: Any, **different: Any) -> tuple[str, str]:
        verdict = check.judge(HostsFacts((replace(conforming, **different),)))
        return str(verdict.outcome), verdict.reason

    return call
