"""What the fields of a kustomization beside its patches change: numbers of pods, labels, annotations, names, and all.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ and kustomize's own field specs
(api/internal/konfig/builtinpluginconsts).
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.manifest.resource import Patch, Resource
from meshproof.manifest.value import Value

# Names that a prefix makes anew, while VirtualServices and DestinationRules go on referring to the old ones: kustomize
# knows of no reference of theirs (namereference.go).
RENAMING, REFERRED = ("namePrefix", "nameSuffix"), ("Service", "Gateway", "Secret")
REWRITING = ("replacements", "transformers", "vars")
# Of the kinds that `replicas` is for (replicas.go).
COUNTED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
# What Istio goes by has it in the names of labels and annotations.
ISTIO = "istio"
# The ConfigMap of the mesh's own configuration, with the revision behind its name.
MESH_CONFIG = "istio"


def changes(body: Value) -> Iterator[Patch]:
    """What these fields change; images, and labels and annotations of others than Istio, decide no request."""
    for fields, kinds in ((RENAMING, REFERRED), (REWRITING, ("",))):
        for value in filter(None, map(body.get, fields)):
            yield from (Patch(value.location, kind, "") for kind in kinds if value.data)
    yield from _counted(body)
    yield from _labelled(body)
    annotations = body.get("commonAnnotations")
    for name, value in annotations.fields().items() if annotations and annotations.is_mapping else ():
        if ISTIO in name:
            yield Patch((value.key or value.location), "", "")
    for item in _items(body, "configMapGenerator"):
        if str(_field(item, "name")).partition("-")[0] == MESH_CONFIG:
            yield Patch(item.location, "", "")


def counts(count: object) -> bool | None:
    """Whether a number of pods leaves none (True), or some (False); None where it is no number."""
    return None if isinstance(count, bool) or not str(count).isdecimal() else not int(str(count))


def meets(patch: Patch, one: Resource) -> bool:
    """Whether a resource has what a patch is for, where it is not for whatever there is."""
    if patch.waking:
        spec = one.body.get("spec")
        return str(_field(spec, "replicas")) == "0"
    return not patch.key or any(patch.key in names for names in _mappings(one))


def _counted(body: Value) -> Iterator[Patch]:
    """Workloads that are left without pods, and those that get some and had none."""
    for item in _items(body, "replicas"):
        name, none = str(_field(item, "name")), counts(_field(item, "count"))
        for kind in COUNTED:
            yield Patch(item.location, kind, name, waking=none is False)


def _labelled(body: Value) -> Iterator[Patch]:
    """Labels that selectors and subsets go by: of pods, or those that Istio goes by on whatever there is."""
    several = [(body.get("commonLabels"), True)]
    for item in _items(body, "labels"):
        deep = any(_field(item, name) is True for name in ("includeSelectors", "includeTemplates"))
        several.append((item.get("pairs"), deep))
    for pairs, deep in several:
        for name, value in pairs.fields().items() if pairs and pairs.is_mapping else ():
            if deep or ISTIO in name:
                yield Patch((value.key or value.location), "", "", key="" if ISTIO in name else name)


def _items(body: Value, name: str) -> Iterator[Value]:
    value = body.get(name)
    yield from (one for one in (value.data if value and isinstance(value.data, tuple) else ()) if one.is_mapping)


def _field(holder: Value | None, name: str) -> object:
    found = holder.get(name) if holder is not None and holder.is_mapping else None
    return found.data if found is not None else None


def _mappings(one: Resource) -> Iterator[frozenset[str]]:
    """The names within each mapping of a resource, but for its own labels, by which nothing finds it but a pod."""
    left = [inner for name, inner in one.body.fields().items() if name != "metadata" or one.kind == "Pod"]
    while left:
        data = left.pop().data
        if isinstance(data, dict):
            yield frozenset(data)
            left += data.values()
        elif isinstance(data, tuple):
            left += data
