"""Pods that are there only while a release is installed, tested or taken away: hooks of Helm and of Argo CD.

https://helm.sh/docs/topics/charts_hooks/, https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/. Of other
kinds with such an annotation the objects stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Notice, Resource
from meshproof.mesh.build.workloads.workload import at
from meshproof.mesh.model.topic import Topic

HOOKS = {"helm.sh/hook": "Helm", "argocd.argoproj.io/hook": "Argo CD"}
ENDING = frozenset({"Pod", "Job"})


def without_hooks(resources: Iterable[Resource]) -> tuple[list[Resource], list[Notice]]:
    """The resources but for pods and Jobs that are hooks, and notices that say so."""
    kept, told = [], []
    for one in resources:
        whose = _whose(one) if one.kind in ENDING else ""
        if whose:
            text = f"{one} is a hook of {whose}: its pods end, and none of them answers requests: left out"
            told.append(Notice(one.location, text, Topic.RUN_ALONE))
        else:
            kept.append(one)
    return kept, told


def _whose(resource: Resource) -> str:
    try:
        annotations = at(resource.body, ("metadata", "annotations"))
        return next((name for hook, name in HOOKS.items() if annotations and annotations.get(hook)), "")
    except ManifestError:
        return ""
