"""Objects without what decides no request, and without what is nobody else's business."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from meshproof.redaction.credentials import redact, redact_all
from meshproof.redaction.patterns import HIDDEN

Json = dict[str, Any]

METADATA = ("name", "namespace", "labels", "creationTimestamp")
# Annotations that Istio and the Gateway API read stand below these domains.
READ_BELOW = ("istio.io", "gateway.networking.k8s.io")
# A whole configuration of a proxy as text, its environment included.
PROXY_CONFIG = "proxy.istio.io/config"
CONTAINER = ("name", "image", "ports")
READY = ("replicas", "readyReplicas", "desiredNumberScheduled", "numberReady")
ENVIRONMENT, ARGUMENTS, ANNOTATIONS, MANIFESTS, CREDENTIALS = (
    "environment",
    "arguments",
    "annotations",
    "manifests in annotations",
    "credentials",
)
MESH_CONFIG = ("mesh", "meshNetworks")


class LeftOut(Counter[str]):
    """How much was left out, by what it is; where nothing is `kept` in a file, what looks like a credential stays."""

    kept = True

    def redacted(self, value: Any) -> Any:
        """Plain data without what looks like a credential."""
        if not self.kept:
            return value
        found = redact_all(value)
        self[CREDENTIALS] += _hidden(found) - _hidden(value)
        return found

    @property
    def told(self) -> Mapping[str, int]:
        """Of what there was any."""
        return {name: count for name, count in sorted(self.items()) if count}


def _hidden(value: Any) -> int:
    return json.dumps(value).count(HIDDEN)


def cleared(body: Mapping[str, Any], left_out: LeftOut) -> Json:
    """An object of a kind that routes, a Service or an EndpointSlice: all that it says, but for its status."""
    said = {name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata", "status")}
    return {**_head(body, left_out), **left_out.redacted(said)}


def mesh_config(body: Mapping[str, Any], left_out: LeftOut) -> Json:
    """The ConfigMap of the mesh's configuration."""
    data = {name: text for name in MESH_CONFIG if isinstance(text := (body.get("data") or {}).get(name), str)}
    kept = {name: redact(text) for name, text in data.items()} if left_out.kept else data
    left_out[CREDENTIALS] += _hidden(kept) - _hidden(data)
    return {**_head(body, left_out), "data": kept}


def workload(body: Mapping[str, Any], left_out: LeftOut) -> Json:
    """What makes pods: their labels, images and ports, and as many of them as are ready."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    template = spec.get("template") or {}
    kept = {name: status[name] for name in READY if status.get(name)}
    said: Json = {} if body["kind"] == "DaemonSet" else {"replicas": int(kept.get("readyReplicas") or 0)}
    if isinstance(spec.get("selector"), dict):
        said["selector"] = spec["selector"]
    metadata = _metadata(template.get("metadata") or {}, left_out)
    said["template"] = {"metadata": metadata, "spec": _pod(template.get("spec") or {}, left_out)}
    return {**_head(body, left_out), "spec": left_out.redacted(said), "status": kept}


def pod(body: Mapping[str, Any], left_out: LeftOut) -> Json:
    """A pod that nothing else makes."""
    return {**_head(body, left_out), "spec": left_out.redacted(_pod(body.get("spec") or {}, left_out))}


def _head(body: Mapping[str, Any], left_out: LeftOut) -> Json:
    metadata = _metadata(body.get("metadata") or {}, left_out)
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}


def _metadata(metadata: Mapping[str, Any], left_out: LeftOut) -> Json:
    found: Json = {name: metadata[name] for name in METADATA if metadata.get(name)}
    annotations = {}
    for name, value in (metadata.get("annotations") or {}).items():
        if _holds_manifest(str(value)):
            left_out[MANIFESTS] += 1
        elif name == PROXY_CONFIG or not name.partition("/")[0].endswith(READ_BELOW):
            left_out[ANNOTATIONS] += 1
        else:
            annotations[name] = value
    if annotations:
        found["annotations"] = annotations
    redacted: Json = left_out.redacted(found)
    return redacted


def _holds_manifest(text: str) -> bool:
    return text.lstrip().startswith(("{", "[")) or "apiVersion:" in text


def _pod(spec: Mapping[str, Any], left_out: LeftOut) -> Json:
    several = spec.get("containers") or ()
    containers = [{name: one[name] for name in CONTAINER if one.get(name)} for one in several]
    for one in (*several, *(spec.get("initContainers") or ())):
        left_out[ENVIRONMENT] += len(one.get("env") or ()) + len(one.get("envFrom") or ())
        left_out[ARGUMENTS] += len(one.get("command") or ()) + len(one.get("args") or ())
    own = {"serviceAccountName": account} if (account := spec.get("serviceAccountName")) else {}
    return {**own, "containers": containers}
