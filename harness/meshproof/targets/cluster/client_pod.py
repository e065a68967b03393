"""The client of a run: one pod with a sidecar, in which the load generator is run when there is something to send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshproof.targets.cluster.workload import security
from meshproof.targets.istio.sidecar import client_annotations

NAME = "meshproof-client"
CONTAINER = "locust"
EXCLUDED = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
# A first process of a container ignores a signal that it does not wait for.
SLEEP = "import signal; s = {signal.SIGTERM}; signal.pthread_sigmask(signal.SIG_BLOCK, s); signal.sigwait(s)"


def deployment(namespace: str, image: str, beside: Sequence[str] = ()) -> dict[str, Any]:
    """The client; connections to the addresses `beside` do not pass its sidecar (a gateway is entered from outside)."""
    annotations = {**client_annotations()}
    if beside:
        annotations[EXCLUDED] = ",".join(f"{address}/32" for address in sorted(beside))
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
