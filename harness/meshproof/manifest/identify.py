"""What a document is: a resource of a kind that is read, one of another kind that matters, or neither."""

from __future__ import annotations

from collections.abc import Collection
from operator import is_

from meshproof.manifest import kinds
from meshproof.manifest.documents.other_files import file_of_intents, list_of_others, other_file
from meshproof.manifest.fields.fitting import fits
from meshproof.manifest.foreign import decides, is_known, why_not_read
from meshproof.manifest.node import Node
from meshproof.manifest.resource import NO_PART, Notice, Resource
from meshproof.manifest.schema import check
from meshproof.manifest.syntax import names
from meshproof.manifest.syntax.templates import template
from meshproof.manifest.value import Value

# How alike a misspelt kind is to the one that was meant, of 1; Service and ServiceEntry have 0.74.
LIKE = 0.85
CLUSTER_WIDE = frozenset({"Namespace", "Node", "GatewayClass", "IngressClass"})
BUILT_IN = ".k8s.io"
INGRESS_CLASS, ISTIO_CONTROLLER = "IngressClass", "istio.io/ingress-controller"
PROXY_CONFIG, VARIABLES = "ProxyConfig", "environmentVariables"
TELEMETRY = "an EnvoyFilter of Istio's own installation that adds telemetry alone"


def identified(body: Value, namespace: str) -> Resource | Notice:
    """The resource that a document is, or why it is not read; raises ManifestError where it is no resource."""
    if not body.is_mapping:
        if told := file_of_intents(body) or list_of_others(body):
            return told
        raise body.problem("a manifest is a mapping with apiVersion, kind and metadata", "this may be another file")
    if told := other_file(body):
        return told
    hint = "every Kubernetes resource begins with apiVersion and kind"
    kind, version = _word(body, "kind", hint), _word(body, "apiVersion", hint)
    if kind == "List":
        return Notice(body.location, "a List without items")
    group = version.rpartition("/")[0]
    if kind not in kinds.ACCEPTED and (meant := _meant(kind, version)):
        raise body.need("kind").problem(f"{version} has no kind {kind}", f"did you mean {meant}?")
    accepted = kinds.is_read(kind, group)
    if accepted and version not in (versions := kinds.ACCEPTED[kinds.entry(kind, group)]):
        known = ", ".join(versions)
        raise body.need("apiVersion").problem(f"{kind} is not known as {version}", f"accepted: {known}")
    named, own = "", namespace
    if accepted or (body.get("metadata") or body).is_mapping:
        metadata = body.need("metadata", "a resource needs a name") if accepted else body.get("metadata")
        given = metadata.get("name") if metadata else None
        place = metadata.get("namespace") if metadata else None
        named = given.text() if given else ""
        own = place.text() if place else namespace
        if accepted and not named and metadata:
            metadata.need("name", "a resource needs a name")
    decisive = decides(version, kind, own, named, _keys(body)) or _decides_by_its_fields(kind, body)
    if not accepted and not decisive and not makes_pods(body):
        return Notice(body.location, why_not_read(version, kind), NO_PART if is_known(version, kind) else "")
    if kind == "EnvoyFilter":
        from meshproof.manifest.documents.telemetry import adds_telemetry_alone

        if adds_telemetry_alone(body):
            return Notice(body.location, f"{TELEMETRY}: it decides no request", NO_PART)
    whole = body if _is_built_in(group) else without_nulls(body)
    return Resource(kind, version, "" if kind in CLUSTER_WIDE else own, named, whole)


def check_names(resource: Resource) -> None:
    """Raise ManifestError where Kubernetes takes no such name or namespace, or it is a template's."""
    metadata = resource.body.need("metadata")
    for field, syntax in (("name", names.NAMES.get(resource.kind, names.subdomain)), ("namespace", names.label_1123)):
        found = metadata.get(field)
        if found is None:
            continue
        if known := template(found.text()):
            raise found.problem(known[1].message, known[1].hint)
        if found.text() and (wrong := syntax(found.text())):
            raise found.problem(f"the {field} {found.shown} {wrong}", "the API server refuses it")


def check_fields(resource: Resource) -> None:
    """Raise ManifestError with every field that its kind does not have, or that is of another type."""
    body, shape = resource.body, kinds.SCHEMAS[kinds.entry_of(resource)]
    if body.content is None or not fits(body.content, shape):
        check(body, shape)


def makes_pods(body: Value) -> bool:
    """Whether a resource of an unknown kind has a template for pods, so that Services can select them."""
    found: Value | None = body
    for field in ("spec", "template", "spec", "containers"):
        found = found.get(field) if found is not None and found.is_mapping else None
    return found is not None and isinstance(found.data, tuple)


def without_nulls(body: Value) -> Value:
    """A custom resource as the API server keeps it: fields and entries that are null are not there.

    apiextensions-apiserver PruneNonNullableNullsWithoutDefaults; no field of Istio's is nullable.
    """
    fields = body.content
    if type(fields) is not dict:
        return body
    kept = {name: node if name == "metadata" else _pruned(node) for name, node in fields.items()}
    same = all(kept[name] is node for name, node in fields.items())
    return body if same else body.written(kept)


def _pruned(node: Node) -> Node:
    """The node itself where it holds no null."""
    content, place, key, text = node
    if type(content) is dict:
        fields = {name: _pruned(one) for name, one in content.items() if one[0] is not None}
        same = len(fields) == len(content) and all(fields[name] is one for name, one in content.items())
        return node if same else (fields, place, key, text)
    if type(content) is list:
        items = [_pruned(one) for one in content]
        return node if all(map(is_, items, content)) else (items, place, key, text)
    return node


def _is_built_in(group: str) -> bool:
    return group != kinds.GATEWAY_API and ("." not in group or group.endswith(BUILT_IN))


def _decides_by_its_fields(kind: str, body: Value) -> bool:
    """Whether an object of a kind that mostly decides nothing may do so."""
    if kind == INGRESS_CLASS:
        return _is_istiods(body)
    spec = body.get("spec") if kind == PROXY_CONFIG else None
    return spec is not None and spec.is_mapping and bool(spec.get(VARIABLES))


def _is_istiods(ingress_class: Value) -> bool:
    """Whether istiod serves the Ingresses of a class."""
    spec = ingress_class.get("spec")
    controller = spec.get("controller") if spec and spec.is_mapping else None
    return controller is not None and controller.data == ISTIO_CONTROLLER


def _keys(body: Value) -> Collection[str] | None:
    """The keys of a ConfigMap; None where they cannot be read."""
    data = body.get("data")
    if data is None:
        return ()
    return data.fields() if data.is_mapping else None


def _word(body: Value, name: str, hint: str) -> str:
    found = body.need(name, hint)
    text = found.text()
    if known := template(text):
        raise found.problem(known[1].message, known[1].hint)
    return text


def _meant(kind: str, version: str) -> str:
    """The kind of that apiVersion that was misspelt so; empty when there is none."""
    from difflib import get_close_matches

    there = [name.partition(".")[0] for name, versions in kinds.ACCEPTED.items() if version in versions]
    return next(iter(get_close_matches(kind, there, 1, LIKE)), "")
