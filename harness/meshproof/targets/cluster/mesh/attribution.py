"""Which pod answered, where the workloads' answers do not name it: the client's own proxy adds it.

An EnvoyFilter for the client alone has its proxy add the address that it sent a request to, as a
header of the answer (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meshproof.border.observation import Observation
from meshproof.mesh.model.mesh import Mesh
from meshproof.targets.cluster import client_pod

HEADER = "x-meshproof-upstream"
NAME = "meshproof-attribution"

Owner = tuple[str, str]


def envoy_filter(namespace: str) -> dict[str, Any]:
    """The filter, which selects the client and nothing else."""
    header = {"header": {"key": HEADER, "value": "%UPSTREAM_REMOTE_ADDRESS%"}}
    patch = {
        "applyTo": "ROUTE_CONFIGURATION",
        "match": {"context": "SIDECAR_OUTBOUND"},
        "patch": {"operation": "MERGE", "value": {"response_headers_to_add": [header]}},
    }
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"workloadSelector": {"labels": {"app": client_pod.NAME}}, "configPatches": [patch]},
    }


def owners(mesh: Mesh, pods: Sequence[Mapping[str, Any]]) -> dict[str, Owner]:
    """The pod and the Deployment (`namespace/name`) behind each address."""
    found = {}
    for pod in pods:
        metadata, address = pod["metadata"], (pod.get("status") or {}).get("podIP")
        labels = metadata.get("labels") or {}
        for workload in (one for one in mesh.workloads if not one.endpoint_of):
            here = workload.namespace == metadata.get("namespace")
            if address and here and workload.labels and workload.labels.items() <= labels.items():
                found[str(address)] = (str(metadata["name"]), workload.key)
    return found


def attributed(batch: Sequence[Observation], known: Mapping[str, Owner]) -> Sequence[Observation]:
    """The observations with the pod that answered, where its address is known."""
    return [_attributed(one, known) for one in batch]


def _attributed(one: Observation, known: Mapping[str, Owner]) -> Observation:
    if one.pod:
        return one
    upstream = next((value for name, value in one.headers if name == HEADER), "")
    pod, workload = known.get(upstream.rpartition(":")[0].strip("[]"), ("", ""))
    return replace(one, pod=pod, workload=workload) if pod else one
