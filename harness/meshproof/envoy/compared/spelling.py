"""Ways to write the same configuration, brought to one: beside what essence.py leaves out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from meshproof.envoy.compared.essence import essence

Json = dict[str, Any]

# What decides nothing: names for statistics, and what is exchanged between sidecars.
UNNAMED = frozenset({"metadata", "filters", "transport_socket", "transport_socket_matches"})
PER_MILLION = {"HUNDRED": 10_000, "TEN_THOUSAND": 100, "MILLION": 1}
# Envoy's own, where outlier detection leaves them out.
EJECTION = {"base_ejection_time": "30s", "interval": "10s", "max_ejection_percent": 10}


def spelled(value: Any) -> Any:
    """A document as both are compared."""
    return _spelled(essence(value))


def _spelled(value: Any) -> Any:
    if isinstance(value, list):
        return [_spelled(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value and set(value) <= {"numerator", "denominator"}:
        return {"millionths": value.get("numerator", 0) * PER_MILLION[value.get("denominator", "HUNDRED")]}
    kept = {key: _spelled(inner) for key, inner in value.items() if key not in UNNAMED}
    for field, change in CHANGES.items():
        if field in kept:
            kept[field] = change(kept[field])
    if kept.get("percentage") in ({}, {"millionths": 0}):
        # Of none is what a fault without a percentage is.
        del kept["percentage"]
    if "match" in kept and isinstance(kept["match"], dict):
        kept.pop("name", None)
        kept.pop("stat_prefix", None)
    return kept


def _in_order(several: list[Any]) -> list[Any]:
    return sorted(several, key=lambda one: json.dumps(one, sort_keys=True))


def _conditions(several: list[Json]) -> list[Any]:
    return _in_order([{**one, "name": one["name"].lower()} for one in several])


def _added(several: list[Json]) -> list[Any]:
    return _in_order([{**one, "header": {**one["header"], "key": one["header"]["key"].lower()}} for one in several])


def _removed(several: list[str]) -> list[Any]:
    return [one.lower() for one in several]


def _answer(answer: Json) -> Json:
    body = answer.get("body", {})
    text = body.get("inline_string") or base64.b64decode(body.get("inline_bytes", "")).decode()
    return {**answer, "body": text}


CHANGES: dict[str, Callable[[Any], Any]] = {
    "direct_response": _answer,
    "outlier_detection": lambda detection: EJECTION | detection,
    "query_parameters": _in_order,
    "request_headers_to_add": _added,
    "request_headers_to_remove": _removed,
    "response_headers_to_add": _added,
    "response_headers_to_remove": _removed,
    # Conditions on headers stand in a match alone; CORS and faults have none of these names.
    "headers": _conditions,
}
