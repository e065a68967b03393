"""Facts of an installation that a certificate states: what runs below the mesh, and of which images."""

from __future__ import annotations

from meshproof.border.facts.installation import InstallFacts


def stated(facts: object) -> dict[str, str]:
    """Kubernetes, Istio, each node's kernel, kubelet and kube-proxy, and the images; nothing of other facts."""
    if not isinstance(facts, InstallFacts):
        return {}
    found = {"kubernetes": facts.kubernetes, "istio": facts.istio, "istioctl": facts.istioctl}
    for node in facts.nodes or ():
        found[f"node {node.name} kernel"] = node.kernel
        found[f"node {node.name} kubelet"] = node.kubelet
        mode = f"{node.kube_proxy} ({node.mode_from})" if node.mode_from else node.kube_proxy
        found[f"node {node.name} kube-proxy"] = mode
    for pod in facts.pods or ():
        found |= {f"pod {pod.name} image {container}": image for container, image in pod.images.items()}
    if facts.sidecar:
        found["sidecar image"] = facts.sidecar
    return {name: value for name, value in found.items() if value}
