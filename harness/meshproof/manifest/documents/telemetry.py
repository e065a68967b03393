"""EnvoyFilters by which Istio's own installation adds its telemetry: they decide nothing about a request.

Istio 1.4 to 1.17 installs them (manifests/charts/istio-control/istio-discovery/templates/telemetryv2_1.*.yaml); later
ones have istiod put the same filters in by itself. What they count, log and tell the other proxy is no part of where,
whether or how a request is answered. Exactly these patches are known, by what they apply to, their operation, the
filter's name and its code; any other is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from meshproof.errors import ManifestError
from meshproof.manifest.plain import plain
from meshproof.manifest.value import Value

NAMES = {
    "istio.stats",
    "istio.metadata_exchange",
    "istio.stackdriver",
    "istio.access_log",
    "envoy.filters.http.wasm",
    "envoy.filters.network.wasm",
    "envoy.filters.network.metadata_exchange",
    "envoy.filters.network.upstream.metadata_exchange",
}
CODE = {
    "envoy.wasm.stats",
    "envoy.wasm.metadata_exchange",
    "envoy.wasm.null.stackdriver",
    "envoy.wasm.access_log_policy",
}
"""What the null runtime runs: code that Istio's proxy is built with."""
PREFIX = "type.googleapis.com/"
TYPED = f"{PREFIX}udpa.type.v1.TypedStruct"
WASM = {
    "envoy.extensions.filters.http.wasm.v3.Wasm",
    "envoy.extensions.filters.network.wasm.v3.Wasm",
    "envoy.config.filter.http.wasm.v2.Wasm",
    "envoy.config.filter.network.wasm.v2.Wasm",
}
BUILT_IN = {"stats.PluginConfig", "envoy.tcp.metadataexchange.config.MetadataExchange"}
# Without a type: Istio 1.4 and 1.5 wrote some of them so.
UNTYPED = {"envoy.filters.network.metadata_exchange"}


def adds_telemetry_alone(body: Value) -> bool:
    """Whether an EnvoyFilter holds nothing but patches of Istio's own telemetry."""
    try:
        patches = body.need("spec").list("configPatches")
    except ManifestError:
        return False
    return bool(patches) and all(_is_telemetry(plain(one)) for one in patches)


def _is_telemetry(patch: Any) -> bool:
    if not isinstance(patch, Mapping) or not isinstance(change := patch.get("patch"), Mapping):
        return False
    value = change.get("value")
    match patch.get("applyTo"), change.get("operation"):
        case "HTTP_FILTER" | "NETWORK_FILTER", "INSERT_BEFORE":
            return _is_filter(value)
        case "CLUSTER", "MERGE":
            filters = value.get("filters") if isinstance(value, Mapping) and set(value) == {"filters"} else None
            return isinstance(filters, list) and bool(filters) and all(map(_is_filter, filters))
    return False


def _is_filter(value: Any) -> bool:
    if not isinstance(value, Mapping) or not _is_one(value.get("name"), NAMES):
        return False
    fields = set(value) - {"name"}
    if fields == {"typed_config"}:
        return _is_typed(value["typed_config"])
    old = value.get("config")
    return fields == {"config"} and (_is_code(old) or (value["name"] in UNTYPED and _is_exchange(old)))


def _is_typed(config: Any) -> bool:
    """Whether a filter's configuration, in Istio's own types, is one of these."""
    if not isinstance(config, Mapping) or not isinstance(kind := config.get("type_url"), str):
        return False
    if set(config) - {"value"} != {"@type", "type_url"} or config["@type"] != TYPED:
        return False
    name = kind.removeprefix(PREFIX)
    return name in BUILT_IN or (name in WASM and _is_code(config.get("value")))


def _is_code(wasm: Any) -> bool:
    """Whether what a Wasm filter runs is Istio's own code, which needs no other."""
    config = wasm.get("config") if isinstance(wasm, Mapping) else None
    machine = config.get("vm_config") if isinstance(config, Mapping) else None
    if not isinstance(machine, Mapping) or machine.get("runtime") != "envoy.wasm.runtime.null":
        return False
    code = machine.get("code")
    local = code.get("local", code) if isinstance(code, Mapping) else None
    return isinstance(local, Mapping) and set(local) == {"inline_string"} and _is_one(local["inline_string"], CODE)


def _is_exchange(config: Any) -> bool:
    return isinstance(config, Mapping) and set(config) == {"protocol"}


def _is_one(value: Any, among: Set[str]) -> bool:
    return isinstance(value, str) and value in among
