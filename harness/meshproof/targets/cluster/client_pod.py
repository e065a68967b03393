"""The client of a run: one pod with a sidecar, in which the load generator is started for each load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshproof.targets.cluster.workload import security
from meshproof.targets.istio.proxy.sidecar import client_annotations

NAME = "meshproof-client"
CONTAINER = "locust"
EXCLUDED = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
# The kernel gives the first process of a container only the signals that it waits for or handles.
SLEEP = "import signal; s = {signal.SIGTERM}; signal.pthread_sigmask(signal.SIG_BLOCK, s); signal.sigwait(s)"


def deployment(namespace: str, image: str, bypassed: Sequence[str] = ()) -> dict[str, Any]:
    """The client; connections to the addresses `bypassed` skip its sidecar, as connections from outside do."""
    annotations = {**client_annotations()}
    if bypassed:
        annotations[EXCLUDED] = ",".join(f"{address}/32" for address in sorted(bypassed))
    labels = {"app": NAME}
    container = {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", SLEEP],
        "securityContext": security(()),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 2},
            },
        },
    }
