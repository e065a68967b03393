"""The mode in which each node's kube-proxy works: as kube-proxy reports it, or else as it is configured."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from meshproof.errors import ManifestError, TargetError
from meshproof.manifest.plain import only_document
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.forward import forwarded

NAMESPACE = "kube-system"
LABELS = "k8s-app=kube-proxy"
METRICS_PORT = 10249
DEFAULT = "iptables"
MODES = frozenset({"iptables", "ipvs", "nftables", "userspace", "kernelspace"})
AT_ONCE = 4
LONGEST = 1000
LARGEST = 1 << 20


async def modes(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """For each node with a kube-proxy: its mode, and how that is known (`running` or `configured`).

    Raises TargetError when there is no kube-proxy, or its mode cannot be found out.
    """
    pods = await cluster.objects.list("v1", "Pod", NAMESPACE, labels=LABELS)
    if not pods:
        raise TargetError(f"there are no pods {LABELS} in {NAMESPACE}: kube-proxy runs otherwise, or not at all")
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(pod: Mapping[str, Any]) -> tuple[str, str]:
        async with slots:
            return str((pod.get("spec") or {}).get("nodeName", "")), await _running(cluster, pod["metadata"]["name"])

    running = dict(await asyncio.gather(*(ask(pod) for pod in pods)))
    silent = [node for node, mode in running.items() if not mode]
    known = {node: (mode, "running") for node, mode in running.items() if mode}
    if silent:
        mode = await configured(cluster)
        known |= dict.fromkeys(silent, (mode, "configured"))
    return known


async def configured(cluster: Cluster) -> str:
    """The mode in kube-proxy's ConfigMap, as kubeadm and kind write it; TargetError when there is none."""
    found = await cluster.objects.get("v1", "ConfigMap", "kube-proxy", NAMESPACE)
    text = str(((found or {}).get("data") or {}).get("config.conf", ""))
    try:
        config = only_document(text[:LARGEST], "config.conf")
    except (ManifestError, ValueError):
        config = None
    if not isinstance(config, dict):
        raise TargetError("kube-proxy does not say its mode, and its ConfigMap is not as kubeadm writes it")
    return str(config.get("mode") or DEFAULT)


async def _running(cluster: Cluster, pod: str) -> str:
    """The mode that kube-proxy reports; empty when it cannot be asked (the user may lack the right to forward)."""
    try:
        async with forwarded(cluster.api, NAMESPACE, pod, METRICS_PORT, cluster.timeouts) as port:
            status, text = await fetch(port, "/proxyMode", cluster.timeouts.kube_answer)
    except TargetError:
        return ""
    return text if status == 200 and text in MODES else ""


async def fetch(port: int, path: str, limit: float) -> tuple[int, str]:
    """Status and the beginning of the body of a page on a local port; TargetError when there is no answer."""

    def ask() -> tuple[int, str]:
        # A port of this machine is reached without a proxy, whatever the environment says.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://127.0.0.1:{port}{path}", timeout=limit) as answer:
                return answer.status, answer.read(LONGEST).decode(errors="replace").strip()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError as error:
            raise TargetError(f"no answer to {path}: {error}") from None
        except http.client.HTTPException as error:
            raise TargetError(f"what answers to {path} does not speak HTTP: {error!r}"[:LONGEST]) from None

    return await asyncio.to_thread(ask)
