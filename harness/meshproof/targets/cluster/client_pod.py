"""The clients of a run: pods with a sidecar each, in which the load generator is started for each load.

One is enough unless a load is spread: then each Locust worker has a pod of its own, and their master runs in the first.
What master and workers say to each other passes no sidecar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshproof.border.load import MASTER_ADDRESS, MASTER_PORTS
from meshproof.targets.cluster.workload import security
from meshproof.targets.istio.proxy.sidecar import client_annotations

NAME = "meshproof-client"
CONTAINER = "locust"
EXCLUDED = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
EXCLUDED_PORTS = ("traffic.sidecar.istio.io/excludeInboundPorts", "traffic.sidecar.istio.io/excludeOutboundPorts")
HOSTNAME = "kubernetes.io/hostname"
# The kernel gives the first process of a container only the signals that it waits for or handles.
SLEEP = "import signal; s = {signal.SIGTERM}; signal.pthread_sigmask(signal.SIG_BLOCK, s); signal.sigwait(s)"


def deployment(namespace: str, image: str, bypassed: Sequence[str] = (), clients: int = 1) -> dict[str, Any]:
    """So many clients, spread over nodes.

    Connections to the addresses `bypassed` skip their sidecars, as connections from outside do.
    """
    annotations = {**client_annotations()}
    if clients > 1:
        annotations |= dict.fromkeys(EXCLUDED_PORTS, ",".join(map(str, MASTER_PORTS)))
    if bypassed:
        annotations[EXCLUDED] = ",".join(f"{address}/32" for address in sorted(bypassed))
    labels = {"app": NAME}
    container = {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", SLEEP],
        "securityContext": security(()),
        "env": [{"name": MASTER_ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
    }
    selector = {"matchLabels": labels}
    spread = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": clients,
            "selector": selector,
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {
                    "containers": [container],
                    "terminationGracePeriodSeconds": 2,
                    "topologySpreadConstraints": [spread],
                },
            },
        },
    }
