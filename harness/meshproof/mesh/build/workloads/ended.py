"""Pods that answer no request, since they have ended or are there for an end: those of hooks of Helm and Argo CD.

https://helm.sh/docs/topics/charts_hooks/, https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/. Of other
kinds with such an annotation the objects stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Notice, Resource
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.topic import Topic

HOOKS = {"helm.sh/hook": "Helm", "argocd.argoproj.io/hook": "Argo CD"}
ENDING = frozenset({"Pod", "Job"})
# https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
OVER = frozenset({"Succeeded", "Failed"})


def without_ended(resources: Iterable[Resource]) -> tuple[list[Resource], list[Notice]]:
    """The resources but for such pods and Jobs, and notices that say so."""
    kept, told = [], []
    for one in resources:
        if one.kind in ENDING and (why := _why(one)):
            told.append(Notice(one.location, f"{one} {why}: left out", Topic.RUN_ALONE))
        else:
            kept.append(one)
    return kept, told


def _why(resource: Resource) -> str:
    """Why none of its pods answers; empty where one may."""
    try:
        annotations = at(resource.body, ("metadata", "annotations"))
        hook = next((name for hook, name in HOOKS.items() if annotations and annotations.get(hook)), "")
        phase = at(resource.body, ("status", "phase")) if resource.kind == "Pod" else None
    except ManifestError:
        return ""
    if hook:
        return f"is a hook of {hook}: its pods end, and none of them answers requests"
    return f"has ended ({phase.data}), and answers no request" if phase and phase.data in OVER else ""
