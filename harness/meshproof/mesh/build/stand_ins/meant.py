"""Workloads that a Service may be meant to select, though it does not: then nothing stands in for them.

Such a workload is one that no Service selects. It stands in the Service's namespace under its name, or carries the
labels of its selector but for a slip; or it carries just these labels in another namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from meshproof.mesh.alike import is_slip
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Unmodelled

ENDING = re.compile(r"-(?:v?[0-9]+|canary|stable|primary|blue|green|deploy|deployment)")
NEEDS = "correct the selector, the labels or the namespace"


def meant(mesh: Mesh, without_pods: Sequence[Service]) -> dict[str, Workload]:
    """For the hosts of Services that select nothing: the first workload that may be meant; none where nothing may."""
    if not without_pods:
        return {}
    selected = {one.key for service in mesh.services for one in mesh.behind(service)}
    free = [one for one in mesh.workloads if one.in_pods and one.key not in selected]
    several = ((service, next(_candidates(service, free), None)) for service in without_pods)
    return {service.host: found for service, found in several if found is not None}


def told(service: Service, workload: Workload) -> Unmodelled:
    """What is said of a Service for which nothing stands in."""
    name = f"Service {service.namespace}/{service.name}"
    called = f"{workload.kind} {workload.namespace}/{workload.name} ({workload.location})"
    why = f"no workload among the manifests carries the labels that it selects: was {called} meant, which none selects?"
    return Unmodelled("Service", name, service.location, why, (Called((service.host,)),), NEEDS)


def _candidates(service: Service, free: Sequence[Workload]) -> Iterator[Workload]:
    wanted = service.selector
    for one in free:
        if one.namespace != service.namespace:
            if wanted.items() <= one.labels.items():
                yield one
        elif _is_named_so(service, one) or all(_near(value, one.labels.get(name)) for name, value in wanted.items()):
            yield one


def _is_named_so(service: Service, workload: Workload) -> bool:
    own, name = service.name, workload.name
    return own == name or is_slip(own, name) or (name.startswith(own) and bool(ENDING.fullmatch(name[len(own) :])))


def _near(value: str, other: str | None) -> bool:
    if other is None:
        return False
    differing = sum(one != two for one, two in zip(value, other, strict=False))
    one_letter = len(value) == len(other) > 1 and differing == 1
    return value.lower() == other.lower() or one_letter or is_slip(value, other)
