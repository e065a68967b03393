"""Injected delays and aborts, per route.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection
"""

from __future__ import annotations

from meshproof.envoy.unit import Json, duration, fractional_percent
from meshproof.mesh.model.virtual_service import Abort, Delay

FILTER = "envoy.filters.http.fault"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"


def fault_config(delay: Delay | None, abort: Abort | None) -> Json:
    """The typed_per_filter_config entry of a route (empty without faults)."""
    if delay is None and abort is None:
        return {}
    config: Json = {"@type": TYPE}
    if delay is not None:
        config["delay"] = {"percentage": fractional_percent(delay.share), "fixed_delay": duration(delay.seconds)}
    if abort is not None:
        grpc = abort.grpc_status
        error = {"http_status": abort.status} if grpc is None else {"grpc_status": grpc}
        config["abort"] = {"percentage": fractional_percent(abort.share), **error}
    return {FILTER: config}
