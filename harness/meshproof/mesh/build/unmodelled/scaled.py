"""KEDA's ScaledObjects: workloads that may have no pod at all.

https://keda.sh/docs/latest/reference/scaledobject-spec/: down to `minReplicaCount`, which is 0 where nothing is said.
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Pods, Role, Touches

KIND = ("keda.sh/v1alpha1", "ScaledObject")


def touched(resource: Resource, mesh: Mesh) -> tuple[Touches, ...]:
    """The requests that find no pod where one scales a workload down to none; raises ManifestError."""
    spec = resource.body.need("spec")
    least, idle, target = spec.get("minReplicaCount"), spec.get("idleReplicaCount"), spec.need("scaleTargetRef")
    if least is not None and least.whole() and (idle is None or idle.data is None or idle.whole()):
        return ()
    name, kind = target.need("name").text(), target.get("kind")
    whose = kind.text() if kind else "Deployment"
    # What has the name of a Deployment beside it has its kind behind its own.
    several = {f"{resource.namespace}/{name}", f"{resource.namespace}/{name}-{whose.lower()}"}
    scaled = (one for one in map(mesh.workload, sorted(several)) if one and one.kind == whose)
    return tuple(Pods(one.namespace, one.labels, frozenset({Role.RECEIVES, Role.LETS_IN})) for one in scaled)
