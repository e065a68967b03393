"""Workloads of one name in several documents, as folders have them that keep alternatives side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshproof.errors import MeshproofError
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.proxy_config.annotation import ANNOTATION, TEMPLATES
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.injection import is_closed, without_sidecar
from meshproof.mesh.build.workloads.workload import FORMS, workload
from meshproof.mesh.model.kubernetes import Workload

# Which ports pass the sidecar by; the others of Istio's annotations size it, or say how it is probed.
TRAFFIC = "traffic.sidecar.istio.io/"
# What a Rollout's strategy says of routes is more than its pods.
ALONE = frozenset({"Rollout"})


def alike(several: Sequence[Resource], resources: Iterable[Resource]) -> bool:
    """Whether the mesh has the same pods by each of them: whichever a cluster has, requests go the same way.

    `resources` are all that there are: a Namespace says whether pods that say nothing have a sidecar. Containers may
    differ in image, variables and resources: what answers is stood in for.
    """
    first, *others = several
    if first.kind not in FORMS or first.kind in ALONE:
        return False
    made = _made(first)
    own = (one for one in resources if one.kind == "Namespace" and one.name == first.namespace)
    closed = any(is_closed(one) for one in own)
    told = _told(first, closed)
    return made is not None and all(_same(made, _made(one)) and _told(one, closed) == told for one in others)


def _made(resource: Resource) -> Workload | None:
    findings = Findings()
    try:
        with findings.about(resource, ()):
            made = workload(resource, findings)
            return None if findings.problems else made
    except MeshproofError:
        pass
    return None


def _same(one: Workload, other: Workload | None) -> bool:
    # Whether they have a sidecar is told beside this, as their namespace counts for it too.
    return other is not None and one == replace(other, location=one.location, image=one.image, sidecar=one.sidecar)


def _told(resource: Resource, closed: bool) -> tuple[object, ...]:
    """What pods say to istiod and its injector beside their labels."""
    annotations = at(resource.body, (*FORMS[resource.kind].template, "metadata", "annotations"))
    said = plain(annotations) if annotations else {}
    own = {name: said[name] for name in said if name.startswith(TRAFFIC) or name in (ANNOTATION, TEMPLATES)}
    return own, without_sidecar(resource, closed)
