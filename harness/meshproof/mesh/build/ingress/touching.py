"""Which requests an Ingress can touch, and why most can touch none.

What istiod does: pilot/pkg/config/kube/ingress/gateways.go (convertIngressV1alpha3).
"""

from __future__ import annotations

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.ingress import classes
from meshproof.mesh.build.ingress.classes import Setting, not_ours
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Asked, Entering, Touches

CURRENT = "networking.k8s.io/v1"
GROUPS = ("networking.k8s.io", "extensions")
GONE = "no cluster since Kubernetes 1.22 takes {}, so it is not there"
SECURE_PORT = 443


def is_ingress(resource: Resource) -> bool:
    """Whether it is one of Kubernetes: other projects have a kind of that name, too."""
    return resource.kind == "Ingress" and resource.api_version.rpartition("/")[0] in GROUPS


def reach(resource: Resource, mesh: Mesh, setting: Setting) -> tuple[tuple[Touches, ...], str]:
    """The requests that it can touch, or why there are none."""
    if resource.api_version != CURRENT:
        return (), GONE.format(f"{resource.api_version} {resource.kind}")
    try:
        if why := not_ours(resource.body, setting):
            return (), why
        hosts, secured = _hosts(resource.body.get("spec"))
    except ManifestError:
        hosts, secured = ("*",), True
    several = [one for one in mesh.gateways if one.selector.get("istio", setting.label) == setting.label]
    keys = tuple(dict.fromkeys(one.called for one in several))
    if not keys:
        # Nothing here enters by it: what it opens is all that nobody shows.
        return (Asked(hosts, (f"{ROOT_NAMESPACE}/{setting.label}",)),), ""
    # In TLS its servers stand beside those of the port, whose hosts they may take over.
    entering = tuple(Entering(key, SECURE_PORT) for key in keys) if secured else ()
    return (Asked(hosts, keys), *entering), ""


def untold(resource: Resource, setting: Setting) -> str:
    """Why it is not known whether istiod serves it; empty where that is not what is wrong with it."""
    try:
        return classes.untold(resource.body, setting)
    except ManifestError:
        return ""


def _hosts(spec: Value | None) -> tuple[tuple[str, ...], bool]:
    """The hosts of its rules (all, where one names none), and whether it has servers of TLS."""
    rules = spec.list("rules") if spec else ()
    hosts = [host.text().lower() if (host := one.get("host")) and host.data else "*" for one in rules]
    if not hosts or (spec and (spec.get("defaultBackend") or spec.get("backend"))):
        hosts.append("*")
    return tuple(dict.fromkeys(hosts)), bool(spec and spec.list("tls"))
