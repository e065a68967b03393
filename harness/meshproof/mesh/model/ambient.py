"""What labels say of ambient mode and of waypoints."""

from __future__ import annotations

from meshproof.mesh.model.kubernetes import Labels

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
