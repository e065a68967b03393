"""Who sees a resource, and since when there is one: `exportTo` and `creationTimestamp`.

Sources: https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService (exportTo), and
istiod's validation of it (istio/istio pkg/config/validation, validateExportTo).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value

EVERYWHERE, HERE, NOWHERE = "*", ".", "~"
# Of hosts at gateways; within the mesh case counts for nothing.
CAPITALS = "istiod compares hosts of Gateways and VirtualServices as they are written, with their capitals"
LABEL = re.compile(r"(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?")
ANNOTATION = "networking.istio.io/exportTo"


def export_to(spec: Value, namespace: str, *, selecting: bool = False, to_nobody: bool = False) -> tuple[str, ...]:
    """The field `exportTo`, as it is written; none where it is missing.

    Raises ManifestError for what istiod refuses; `selecting` tells that a DestinationRule has a workloadSelector,
    `to_nobody` that it is a ServiceEntry, which may be exported to no namespace at all (~).
    """
    seen: dict[str, str] = {}
    for value in spec.list("exportTo"):
        written = value.text()
        known = (EVERYWHERE, HERE, NOWHERE) if to_nobody else (EVERYWHERE, HERE)
        if written not in known and not LABEL.fullmatch(written):
            raise value.problem(f"exportTo has {value.shown}", "istiod takes '*', '.' and names of namespaces")
        name = namespace if written == HERE else written
        if name in seen:
            raise value.problem(f"exportTo names {name} twice", f"istiod refuses it; {HERE} is {namespace} itself")
        seen[name] = written
    if EVERYWHERE in seen and len(seen) > 1:
        raise spec.need("exportTo").problem("exportTo has '*' and others", "istiod refuses it: '*' alone is everywhere")
    if NOWHERE in seen and len(seen) > 1:
        raise spec.need("exportTo").problem("exportTo has '~' and others", "istiod refuses it: '~' alone is nowhere")
    if selecting and seen and (len(seen) > 1 or namespace not in seen):
        hint = "istiod refuses it: such a rule is for its own namespace alone"
        raise spec.need("exportTo").problem("exportTo leaves the namespace of a rule with a workloadSelector", hint)
    return tuple(seen.values())


def annotated(resource: Resource) -> tuple[str, ...]:
    """The entries of a Service's annotation; istiod checks none of them."""
    metadata = resource.body.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    found = annotations.get(ANNOTATION) if annotations else None
    return tuple(one.strip() for one in found.text().split(",")) if found and found.text() else ()


def created(resource: Resource) -> str:
    """When the cluster made a resource, as `kubectl get -o yaml` tells it: RFC 3339, in UTC; empty where it is not."""
    metadata = resource.body.get("metadata")
    found = metadata.get("creationTimestamp") if metadata else None
    if found is None or not isinstance(found.data, str):
        return ""
    try:
        moment = datetime.fromisoformat(found.data)
    except ValueError:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment.tzinfo else ""


class Aged(Protocol):
    """What has an age: `created` sorts, and is empty where it is not told."""

    @property
    def created(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...


Object = TypeVar("Object", bound=Aged)


def in_order(several: Iterable[Object]) -> list[Object]:
    """The oldest first; those of one second by name and namespace, as istiod has them; at the end those of no age."""
    return sorted(
        several, key=lambda one: (not one.created, (one.created, one.name, one.namespace) if one.created else ())
    )
