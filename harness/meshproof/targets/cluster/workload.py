"""A workload of the manifests as a cluster gets it: a Deployment, with the probe workload in it or its own image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.kubernetes import Workload
from meshproof.targets.kube.wanted import Wanted
from meshproof.workload.probe import SOCKET

WORKLOAD = "meshproof.dev/workload"
REPLACED = "meshproof.dev/image"
PRIVILEGED = 1024
# The original's scheduling is kept: only the containers are replaced.
KEPT = ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "imagePullSecrets")
SIDECAR = "istio-proxy"
# What ends the pods of a Job, and what no Deployment may have.
ENDING = ("restartPolicy", "activeDeadlineSeconds")

Json = dict[str, Any]


def as_deployment(one: Wanted, workload: Workload) -> Wanted:
    """A workload of whatever kind as the Deployment that is applied in its place.

    Its pods carry the same labels, so that Services and subsets select what they did before; what they had beyond
    that (volumes of a StatefulSet, a pod for each node, the end of a Job) decides no request.
    """
    if (one.body["kind"], one.body["apiVersion"]) == ("Deployment", "apps/v1"):
        return one
    template: Any = one.body
    for step in FORMS[workload.kind].template:
        template = template[step]
    metadata = {name: value for name, value in template["metadata"].items() if name in ("labels", "annotations")}
    pod = {name: value for name, value in template["spec"].items() if name not in ENDING}
    spec = {
        "replicas": workload.replicas,
        "selector": {"matchLabels": dict(workload.labels)},
        "template": {"metadata": metadata, "spec": pod},
    }
    named = {"name": workload.name, "namespace": workload.namespace}
    return Wanted({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named, "spec": spec}, one.source)


def probed(deployment: Wanted, workload: Workload, ports: Sequence[int], image: str) -> Wanted:
    """The Deployment with the probe workload in the place of its own containers.

    Labels, replicas and named ports stay, so that Services and subsets select what they did before.
    There are no readiness probes: a request of the kubelet would be counted in the books, and a pod that
    accepts no connection by command must not leave its Service for it.
    """
    spec = _pod_spec(deployment)
    containers = [one for one in spec.get("containers") or () if one.get("name") != SIDECAR]
    named = [port for one in containers for port in one.get("ports") or ()]
    container: Json = {
        "name": containers[0].get("name", "workload") if containers else "workload",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-P", "-m", "meshproof.workload"],
        "args": _arguments(workload, ports),
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": named or [{"containerPort": port} for port in ports],
        "securityContext": security(ports),
    }
    kept = {name: spec[name] for name in KEPT if name in spec}
    pod = {**kept, "containers": [container], "terminationGracePeriodSeconds": 2}
    return _with(deployment, workload, pod, {REPLACED: workload.image})


def sample(deployment: Wanted, workload: Workload) -> Wanted:
    """The Deployment with its published image, without the ServiceAccount that it names: none is applied."""
    spec = {name: value for name, value in _pod_spec(deployment).items() if not name.startswith("serviceAccount")}
    return _with(deployment, workload, spec, {})


def security(ports: Sequence[int]) -> Json:
    """The fewest rights that the ports allow; a port below 1024 needs root, with NET_BIND_SERVICE alone."""
    capabilities: Json = {"drop": ["ALL"]}
    if any(port < PRIVILEGED for port in ports):
        return {
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {**capabilities, "add": ["NET_BIND_SERVICE"]},
        }
    return {"runAsUser": 65532, "runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": capabilities}


def _arguments(workload: Workload, ports: Sequence[int]) -> list[str]:
    words = ["--workload", workload.key, "--image", workload.image, "--labels", json.dumps(dict(workload.labels))]
    words += ["--ports", ",".join(map(str, ports)), "--bind", "0.0.0.0", "--socket", SOCKET]  # noqa: S104 - in a pod
    # Kubernetes expands $(NAME), and reads $$ as a dollar.
    return ["--pod", "$(POD_NAME)", *(word.replace("$", "$$") for word in words)]


def _pod_spec(deployment: Wanted) -> Mapping[str, Any]:
    found: Mapping[str, Any] = deployment.body["spec"]["template"].get("spec") or {}
    return found


def _with(deployment: Wanted, workload: Workload, pod: Mapping[str, Any], annotations: Mapping[str, str]) -> Wanted:
    body = deployment.body
    template = body["spec"]["template"]
    metadata = dict(template.get("metadata") or {})
    annotated = {**(metadata.get("annotations") or {}), WORKLOAD: workload.key, **annotations}
    changed = {**template, "metadata": {**metadata, "annotations": annotated}, "spec": dict(pod)}
    return Wanted({**body, "spec": {**body["spec"], "template": changed}}, deployment.source)
