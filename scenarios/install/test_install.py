"""Before any routing: does the cluster, and the Istio on it, stand as it should?"""

from meshproof import Inspection
from meshproof.border.facts.installation import InstallFacts
from meshproof.judge.installation.istio import (
    AnalysisClean,
    ControlPlaneHealthy,
    DefinitionsServed,
    GatewayReachable,
    ImagesFromHub,
    InjectionOn,
    VersionAsSpecified,
)
from meshproof.judge.installation.kubernetes import KubeProxyMode, KubernetesSupported, NodesReady, ServiceBalances

installation = Inspection(
    name="Installation",
    description="Kubernetes, its nodes and kube-proxy carry this Istio, and Istio itself is whole and ready.",
    facts=InstallFacts,
    features={"InstalledIstio"},
    expect=[
        KubernetesSupported(),
        NodesReady(),
        KubeProxyMode(),
        ServiceBalances(),
        VersionAsSpecified(),
        ControlPlaneHealthy(),
        ImagesFromHub(),
        DefinitionsServed(),
        InjectionOn(),
        GatewayReachable(),
        AnalysisClean(),
    ],
)


def test_installation(verify):
    verify(installation)
