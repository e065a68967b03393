"""Before any cluster: are the machines as they should be? Nothing on them is changed by looking."""

from meshproof import Inspection
from meshproof.border.facts.hosts import HostsFacts
from meshproof.judge.hosts import (
    ClockRight,
    ContainerRuntime,
    ControlGroups,
    DiskRoom,
    Distribution,
    GrubDefault,
    IpvsBalances,
    IpvsModules,
    IpvsModulesPersist,
    IstioctlOnPath,
    KernelSettings,
    KubeletRuns,
    KubeProxyAsExpected,
    NextBoot,
    RegistryHoldsImages,
    RunningKernel,
    SwapOff,
)

kernel = Inspection(
    name="HostKernel",
    description="The expected kernel runs, and it is the one that the boot loader really boots next.",
    facts=HostsFacts,
    features={"Hosts"},
    expect=[Distribution(), RunningKernel(), GrubDefault(), NextBoot()],
)

ipvs = Inspection(
    name="HostIpvs",
    description="IPVS is loaded, comes back after a reboot, and balances.",
    facts=HostsFacts,
    features={"Hosts"},
    expect=[IpvsModules(), IpvsModulesPersist(), IpvsBalances()],
)

kubernetes = Inspection(
    name="HostKubernetes",
    description="The machine is ready for Kubernetes, and what runs of it runs as expected.",
    facts=HostsFacts,
    features={"Hosts"},
    expect=[
        KernelSettings(),
        SwapOff(),
        ControlGroups(),
        ClockRight(),
        DiskRoom(),
        ContainerRuntime(),
        KubeletRuns(),
        KubeProxyAsExpected(),
    ],
)

istio = Inspection(
    name="HostIstio",
    description="istioctl is found by every shell, and the private registry holds the images.",
    facts=HostsFacts,
    features={"Hosts"},
    expect=[IstioctlOnPath(), RegistryHoldsImages()],
)


def test_host_kernel(verify):
    verify(kernel)


def test_host_ipvs(verify):
    verify(ipvs)


def test_host_kubernetes(verify):
    verify(kubernetes)


def test_host_istio(verify):
    verify(istio)
