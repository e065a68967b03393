"""What must be true of the machines that a cluster runs on. Each check judges every host of the inventory."""

from meshproof.judge.hosts.ipvs import IpvsBalances, IpvsModules, IpvsModulesPersist
from meshproof.judge.hosts.istio import IstioctlOnPath, RegistryHoldsImages
from meshproof.judge.hosts.kernel import Distribution, GrubDefault, NextBoot, RunningKernel
from meshproof.judge.hosts.kubernetes import ContainerRuntime, KubeletRuns, KubeProxyAsExpected
from meshproof.judge.hosts.machine import ClockRight, ControlGroups, DiskRoom, KernelSettings, SwapOff

__all__ = [
    "ClockRight",
    "ContainerRuntime",
    "ControlGroups",
    "DiskRoom",
    "Distribution",
    "GrubDefault",
    "IpvsBalances",
    "IpvsModules",
    "IpvsModulesPersist",
    "IstioctlOnPath",
    "KernelSettings",
    "KubeProxyAsExpected",
    "KubeletRuns",
    "NextBoot",
    "RegistryHoldsImages",
    "RunningKernel",
    "SwapOff",
]
