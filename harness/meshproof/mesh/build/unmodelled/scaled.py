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
    scaled = (one for one in mesh.workloads if (one.namespace, one.name) == (resource.namespace, name))
    roles = frozenset({Role.RECEIVES, Role.LETS_IN})
    return tuple(
        Pods(one.namespace, one.labels, roles) for one in scaled if one.kind == (kind.text() if kind else "Deployment")
    )
