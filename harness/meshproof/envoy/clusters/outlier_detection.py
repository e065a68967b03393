"""Ejection of hosts that fail.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
"""

from __future__ import annotations

from meshproof.envoy.unit import Json, duration
from meshproof.mesh.model.destination_rule import OutlierDetection


def detector(name: str, enforcing: str, count: int | None) -> Json:
    """One detector: always enforced when it counts anything, else off."""
    return {name: count, enforcing: 100} if count else {enforcing: 0}


def outlier_detection(settings: OutlierDetection) -> Json:
    """Envoy's OutlierDetection, with success-rate ejection off as istiod sets it."""
    result: Json = {
        "enforcing_success_rate": 0,
        "interval": duration(settings.interval),
        "base_ejection_time": duration(settings.base_ejection_time),
        **detector("consecutive_5xx", "enforcing_consecutive_5xx", settings.consecutive_5xx_errors),
        **detector(
            "consecutive_gateway_failure",
            "enforcing_consecutive_gateway_failure",
            settings.consecutive_gateway_errors,
        ),
    }
    if settings.max_ejection_percent:
        result["max_ejection_percent"] = settings.max_ejection_percent
    if settings.split_external_local_origin_errors:
        result["split_external_local_origin_errors"] = True
        result["enforcing_local_origin_success_rate"] = 0
        # Unlike the others this one stays at Envoy's default when the manifest is silent: istiod leaves it.
        if settings.consecutive_local_origin_failures:
            result["consecutive_local_origin_failure"] = settings.consecutive_local_origin_failures
            result["enforcing_consecutive_local_origin_failure"] = 100
    return result
