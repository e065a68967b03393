"""Facts that a certificate states: what runs below the mesh, and of which images."""

from __future__ import annotations

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.facts.installation import InstallFacts


def stated(facts: object) -> dict[str, str]:
    """Versions, kernels, kube-proxy's mode and images by name; nothing of facts of other kinds."""
    if isinstance(facts, InstallFacts):
        found = _installation(facts)
    elif isinstance(facts, HostsFacts):
        found = {name: value for one in facts.hosts for name, value in _host(one).items()}
    else:
        found = {}
    return {name: value for name, value in found.items() if value}


def _installation(facts: InstallFacts) -> dict[str, str]:
    found = {"kubernetes": facts.kubernetes, "istio": facts.istio, "istioctl": facts.istioctl}
    for node in facts.nodes or ():
        found[f"node {node.name} kernel"] = node.kernel
        found[f"node {node.name} kubelet"] = node.kubelet
        mode = f"{node.kube_proxy} ({node.mode_from})" if node.mode_from else node.kube_proxy
        found[f"node {node.name} kube-proxy"] = mode
    for pod in facts.pods or ():
        found |= {f"pod {pod.name} image {container}": image for container, image in pod.images.items()}
    return {**found, "sidecar image": facts.sidecar or ""}


def _host(host: HostFacts) -> dict[str, str]:
    about = {
        "system": host.system.pretty,
        "kernel": host.system.kernel,
        "kubelet": host.kubelet.version,
        "kube-proxy": host.proxy.mode,
        "istioctl": host.istioctl.version,
    }
    about |= {service.name: service.version for service in host.runtimes}
    about |= {f"image {one.image}": one.digest for one in (host.registry.images if host.registry else ())}
    return {f"host {host.label} {name}": value for name, value in about.items()}
