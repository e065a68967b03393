"""What pods say of their own proxies beside what the mesh says of all, by annotations.

`proxy.istio.io/config`: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig, in YAML.
`inject.istio.io/templates`: which templates the injector takes in the place of its own (istio/istio
pkg/kube/inject/inject.go, selectTemplates); those for gRPC put an agent beside the application and no Envoy.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.proxy_config.fields import METADATA, PROXY, TOPOLOGY
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.unmodelled import EVERY_ROLE, Pods, Role

ANNOTATION, TEMPLATES = "proxy.istio.io/config", "inject.istio.io/templates"
WITH_ENVOY = frozenset({"sidecar", "gateway"})


def own_proxies(annotations: Value | None, namespace: str, pod: Labels, findings: Findings) -> None:
    """Say what of it is not modelled: a gateway's topology is about what enters there."""
    _templates(annotations, namespace, pod, findings)
    given = annotations.get(ANNOTATION) if annotations else None
    if given is None or not given.text().strip():
        return
    names = _fields(given)
    if names is None:
        why = f"{ANNOTATION} is no YAML mapping: whether its pods start is not known"
        findings.unproved(given.key or given.location, why, touches=(Pods(namespace, pod, EVERY_ROLE),))
    for name in names or ():
        if name in PROXY or name == METADATA:
            continue
        roles = frozenset({Role.LETS_IN}) if name == TOPOLOGY else EVERY_ROLE
        why = f"{name} of {ANNOTATION} is not modelled"
        findings.unproved(given.key or given.location, why, touches=(Pods(namespace, pod, roles),))


def _templates(annotations: Value | None, namespace: str, pod: Labels, findings: Findings) -> None:
    given = annotations.get(TEMPLATES) if annotations else None
    if given is None or WITH_ENVOY & {one.strip() for one in given.text().split(",")}:
        return
    why = f"{TEMPLATES} names no template with an Envoy: which rules its pods follow is not modelled"
    findings.unproved(given.key or given.location, why, touches=(Pods(namespace, pod, EVERY_ROLE),))


def _fields(given: Value) -> list[str] | None:
    """Their names; None where it cannot be read."""
    from meshproof.manifest.compose import Document
    from meshproof.manifest.documents.read import documents

    for found in documents(given.text(), given.location.file, given.location.line):
        if isinstance(found, Document) and found.body.is_mapping and not found.problems:
            return list(found.body.names())
    return None
