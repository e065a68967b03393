"""Injected delays and aborts, per route.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection
"""

from __future__ import annotations

from envoy.extensions.filters.http.fault.v3 import fault_pb2

from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields, duration, fractional_percent
from meshproof.mesh.model.virtual_service import Abort, Delay

FILTER = "envoy.filters.http.fault"


def fault_config(delay: Delay | None, abort: Abort | None) -> Fields:
    """The typed_per_filter_config entry of a route (empty without faults)."""
    if delay is None and abort is None:
        return {}
    config: Fields = {}
    if delay is not None:
        config["delay"] = {"percentage": fractional_percent(delay.share), "fixed_delay": duration(delay.seconds)}
    if abort is not None:
        grpc = abort.grpc_status
        error = {"http_status": abort.status} if grpc is None else {"grpc_status": grpc}
        config["abort"] = {"percentage": fractional_percent(abort.share), **error}
    return {FILTER: packed(fault_pb2.HTTPFault, config)}
