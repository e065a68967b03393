"""What a captured cluster runs while a Deployment is rolled out: the pods that answer may be the old ones."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.targets.capture.cleared import LeftOut
from meshproof.targets.capture.workloads import workloads

Json = dict[str, Any]


def template(version: str, number: str = "") -> Json:
    labels = {"app": "web", "version": version, **({"pod-template-hash": number} if number else {})}
    return {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": f"example/web:{version}"}]},
    }


def deployment(**status: int) -> Json:
    metadata = {"name": "web", "namespace": "shop", "generation": 2}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("v2")}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def replica_set(version: str, number: str, ready: int) -> Json:
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    metadata = {"name": f"web-{number}", "namespace": "shop", "ownerReferences": [owner]}
    spec = {"replicas": 3, "template": template(version, number)}
    status = {"replicas": 3, "readyReplicas": ready} if ready else {"replicas": 1}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec, "status": status}


def running(*objects: Json) -> dict[str, tuple[str, int]]:
    """Of each workload its version and how many pods it has."""
    found = workloads(objects, LeftOut())
    return {
        f"{one['kind']}/{one['metadata']['name']}": (
            one["spec"]["template"]["metadata"]["labels"]["version"],
            one["spec"]["replicas"],
        )
        for one in found
    }


OLD, NEW = {"ReplicaSet/web-4c": ("v1", 3)}, {"ReplicaSet/web-5d": ("v2", 1)}


@pytest.mark.parametrize(
    ("status", "ready", "expected"),
    [
        pytest.param(
            {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3}, (3, 0), OLD, id="failed"
        ),
        pytest.param(
            {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 4},
            (3, 1),
            {**OLD, **NEW},
            id="half-way",
        ),
        pytest.param(
            {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}, (3, 0), OLD, id="unseen"
        ),
        pytest.param(
            {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3},
            (0, 3),
            {"Deployment/web": ("v2", 3)},
            id="done",
        ),
    ],
)
def test_ready_pods_are_those_of_the_version_that_they_have(
    status: dict[str, int], ready: tuple[int, int], expected: dict[str, tuple[str, int]]
) -> None:
    objects = deployment(**status), replica_set("v1", "4c", ready[0]), replica_set("v2", "5d", ready[1])
    assert running(*objects) == expected


def test_without_its_replica_sets_a_deployment_is_what_it_states() -> None:
    status = {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3}
    assert running(deployment(**status)) == {"Deployment/web": ("v2", 3)}
