"""EnvoyFilters of Istio's own installation that add telemetry alone cost no proof; any other part of one does."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from meshproof.manifest import load

TYPED = {"@type": "type.googleapis.com/udpa.type.v1.TypedStruct"}
STRING = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "{}"}


def code(name: str) -> dict[str, Any]:
    machine = {"runtime": "envoy.wasm.runtime.null", "vm_id": "v", "code": {"local": {"inline_string": name}}}
    return {"config": {"root_id": "r", "configuration": STRING, "vm_config": machine}}


def typed(kind: str, value: Any) -> dict[str, Any]:
    return {**TYPED, "type_url": f"type.googleapis.com/{kind}", "value": value}


def wasm(name: str, run: str, layer: str = "http") -> dict[str, Any]:
    return {"name": name, "typed_config": typed(f"envoy.extensions.filters.{layer}.wasm.v3.Wasm", code(run))}


EXCHANGE = {"protocol": "istio-peer-exchange"}
EXCHANGED = typed("envoy.tcp.metadataexchange.config.MetadataExchange", EXCHANGE)
OLD = {"config": {"vm_config": {"runtime": "envoy.wasm.runtime.null", "code": {"inline_string": "envoy.wasm.stats"}}}}


def patch(value: Any, apply: str = "HTTP_FILTER", operation: str = "INSERT_BEFORE") -> dict[str, Any]:
    return {"applyTo": apply, "match": {"context": "ANY"}, "patch": {"operation": operation, "value": value}}


def envoy_filter(*patches: Any) -> str:
    spec = {"configPatches": list(patches)}
    metadata = {"name": "stats", "namespace": "istio-system"}
    body = {"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": metadata, "spec": spec}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    return yaml.safe_dump_all([namespace, body])


def costs(text: str) -> bool:
    found = load(["-"], stdin=io.StringIO(text), strict=False)
    assert bool(found.foreign) is not any("adds telemetry alone" in one.message for one in found.notices)
    return bool(found.foreign)


TELEMETRY = [
    patch(wasm("istio.stats", "envoy.wasm.stats")),
    patch(wasm("istio.metadata_exchange", "envoy.wasm.metadata_exchange")),
    patch(wasm("istio.stackdriver", "envoy.wasm.null.stackdriver")),
    patch(wasm("istio.access_log", "envoy.wasm.access_log_policy")),
    patch(wasm("istio.stats", "envoy.wasm.stats", "network"), "NETWORK_FILTER"),
    patch({"name": "istio.stats", "typed_config": typed("stats.PluginConfig", {})}),
    patch({"name": "istio.metadata_exchange", "typed_config": EXCHANGED}, "NETWORK_FILTER"),
    patch({"filters": [{"name": "istio.metadata_exchange", "typed_config": EXCHANGED}]}, "CLUSTER", "MERGE"),
    patch({"name": "envoy.filters.http.wasm", "config": OLD}),
    patch({"name": "envoy.filters.network.metadata_exchange", "config": EXCHANGE}, "NETWORK_FILTER"),
]


@pytest.mark.parametrize("one", TELEMETRY)
def test_telemetry_of_the_installation_decides_no_request(one: dict[str, Any]) -> None:
    assert not costs(envoy_filter(one))


def test_all_of_it_together_neither() -> None:
    assert not costs(envoy_filter(*TELEMETRY))


V8 = wasm("istio.stats", "envoy.wasm.stats")
V8["typed_config"]["value"]["config"]["vm_config"]["runtime"] = "envoy.wasm.runtime.v8"
FILE = wasm("istio.stats", "envoy.wasm.stats")
FILE["typed_config"]["value"]["config"]["vm_config"]["code"] = {"local": {"filename": "/etc/stats.wasm"}}
LUA = {"name": "istio.stats", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}


@pytest.mark.parametrize(
    "one",
    [
        patch(V8),
        patch(FILE),
        patch(LUA),
        patch(wasm("istio.stats", "not acceptable")),
        patch(wasm("shop.stats", "envoy.wasm.stats")),
        patch(wasm("istio.stats", "envoy.wasm.stats"), operation="REPLACE"),
        patch(wasm("istio.stats", "envoy.wasm.stats"), "HTTP_ROUTE"),
        patch({**wasm("istio.stats", "envoy.wasm.stats"), "disabled": True}),
        patch({"name": "istio.stats", "typed_config": typed("envoy.extensions.filters.http.rbac.v3.RBAC", {})}),
        patch({"filters": [], "connect_timeout": "1s"}, "CLUSTER", "MERGE"),
        patch({"filters": []}, "CLUSTER", "MERGE"),
        patch({"name": "envoy.filters.http.wasm", "config": {"config": {"vm_config": {"runtime": []}}}}),
        patch({"name": [], "typed_config": {}}),
        patch(None, operation="REMOVE"),
        "not a patch",
        {"applyTo": "HTTP_FILTER", "patch": []},
    ],
)
def test_whatever_else_an_envoy_filter_does_is_not_known(one: Any) -> None:
    assert costs(envoy_filter(one))
    assert costs(envoy_filter(*TELEMETRY, one))


def test_one_without_patches_is_not_known_either() -> None:
    assert costs(envoy_filter())


CONFIG_MAP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, namespace: istio-system}
"""


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("istio", "data: {mesh: ''}", True),
        ("istio", "", True),
        ("istio-canary", "data: {mesh: ''}", True),
        ("istio-canary", "data: {meshNetworks: ''}", True),
        ("istio-canary", "data: nonsense", True),
        ("istio-dashboards", "data: {a.json: ''}", False),
        ("istio-sidecar-injector", "data: {config: '', values: ''}", False),
        ("istio-ca-root-cert", "", False),
    ],
)
def test_what_of_the_installation_configures_the_mesh(name: str, data: str, expected: bool) -> None:
    found = load(["-"], stdin=io.StringIO(CONFIG_MAP.replace("NAME", name) + data), strict=False)
    assert bool(found.foreign or found.refusals) is expected
