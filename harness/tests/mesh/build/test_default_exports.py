"""For whom objects are that do not say it, by the mesh's configuration."""

from __future__ import annotations

import pytest
from mesh_config_written import ROUTED, config_map
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.predict.prediction import predict


def test_what_is_not_exported_by_default(built) -> None:
    mesh = built(ROUTED + config_map("defaultVirtualServiceExportTo: ['.']")).mesh
    answers = [predict(mesh, parse("http://greeter.default:5000/a/b"), source(one)).status for one in ("default", "x")]
    assert answers == [418, 0]
    hidden = built(config_map("defaultServiceExportTo: ['.']")).mesh
    assert predict(hidden, parse("http://greeter.default:5000/"), source("x")).refused == "connection"


@pytest.mark.parametrize(
    ("said", "counting"), [("['.']", (".",)), ("['.', '*']", (".",)), ("['~']", ()), ("[shop]", ()), ("['*']", ())]
)
def test_of_destination_rules_the_default_says_whether_they_are_for_their_own_namespace(
    built, said: str, counting: tuple[str, ...]
) -> None:
    subsets = built(config_map(f"defaultDestinationRuleExportTo: {said}")).mesh
    assert {one.export_to for one in subsets.destination_rules} == {counting}


def test_the_default_makes_no_rule_one_with_another_that_says_the_same_of_itself(built) -> None:
    rule = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: %s}
spec: {host: greeter%s, trafficPolicy: {connectionPool: {%s}}}
"""
    silent = rule % ("silent", "", "tcp: {maxConnections: 3}")
    saying = rule % ("saying", ", exportTo: ['.']", "http: {http1MaxPendingRequests: 4}")
    mesh = built(silent + saying + config_map("defaultDestinationRuleExportTo: ['.']")).mesh
    pool = predict(mesh, parse("http://greeter:5000/")).arms[0].policy.pool
    assert (pool.max_connections, pool.http1_max_pending_requests) == (None, 4)
    made = translate(mesh, Proxy(), {}).clusters["outbound|5000||greeter.default.svc.cluster.local"]
    limits = made.circuit_breakers.thresholds[0]
    assert (limits.max_connections.value, limits.max_pending_requests.value) == (2**32 - 1, 4)


@pytest.mark.parametrize(("said", "told"), [("[other]", True), ("['.']", True), ("['*']", False)])
def test_hosts_of_rules_may_be_served_nowhere_where_services_are_hidden_by_default(
    built, said: str, told: bool
) -> None:
    found = built(ROUTED + config_map(f"defaultServiceExportTo: {said}")).mesh
    assert [one.touches[0].gateways for one in found.unmodelled] == ([("mesh",)] if told else [])
