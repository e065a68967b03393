"""Ejection of hosts that fail.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.destination_rule import OutlierDetection


def detector(name: str, enforcing: str, count: int | None) -> Fields:
    """One detector: always enforced when it counts anything, else off."""
    return {name: wrapped(count), enforcing: wrapped(100)} if count else {enforcing: wrapped(0)}


def outlier_detection(settings: OutlierDetection) -> Fields:
    """Envoy's OutlierDetection, with success-rate ejection off as istiod sets it."""
    result: Fields = {
        "enforcing_success_rate": wrapped(0),
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
        result["max_ejection_percent"] = wrapped(settings.max_ejection_percent)
    if settings.split_external_local_origin_errors:
        result["split_external_local_origin_errors"] = True
        result["enforcing_local_origin_success_rate"] = wrapped(0)
        # Unlike the others this one stays at Envoy's default when the manifest is silent: istiod leaves it.
        if settings.consecutive_local_origin_failures:
            result["consecutive_local_origin_failure"] = wrapped(settings.consecutive_local_origin_failures)
            result["enforcing_consecutive_local_origin_failure"] = wrapped(100)
    return result
