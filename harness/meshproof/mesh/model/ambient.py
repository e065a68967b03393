"""What labels say of ambient mode and of waypoints."""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.mesh.model.kubernetes import Labels, Workload

WAYPOINT, NO_WAYPOINT = "istio.io/use-waypoint", "none"
INJECT = "sidecar.istio.io/inject"
MODE, INJECTION, REVISION = "istio.io/dataplane-mode", "istio-injection", "istio.io/rev"
ENTERING = "istio.io/ingress-use-waypoint"


def waypoint(own: Labels, namespace: str) -> str:
    """The Gateway (`namespace/name`) that labels name as waypoint; `none` where they say that there is none."""
    name = own.get(WAYPOINT)
    if name is None or name.lower() in ("", NO_WAYPOINT):
        return "" if name is None else NO_WAYPOINT
    return f"{own.get(f'{WAYPOINT}-namespace') or namespace}/{name}"


def is_closed(own: Labels) -> bool:
    """Whether istiod's injector leaves the pods of a namespace with these labels as they are."""
    return own.get(INJECTION) == "disabled"


def has_sidecar(namespaces: Mapping[str, Labels], pods: Workload) -> bool:
    """Whether a sidecar stands beside pods: where nothing says otherwise, it does."""
    return not is_closed(namespaces.get(pods.namespace, {})) if pods.sidecar is None else pods.sidecar
