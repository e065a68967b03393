"""The requests to a sidecar through pilot-agent, and how the answers of old and new versions of Istio are read."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from meshproof.errors import TargetError
from meshproof.targets.base import Host
from meshproof.targets.istio.proxy.sidecar import Sidecar, client_annotations

CLUSTER = "outbound|5000|v1|helloworld.shop.svc.cluster.local"
STATS = f"""
cluster.{CLUSTER};.upstream_rq_total: 12
cluster.{CLUSTER}.upstream_rq_active: 3
cluster_manager.cds.update_time: P0(nan,1.0) P25(nan,1.025)
server.state: 0
"""


@pytest.fixture
def sidecar(cluster: Any) -> Any:
    def make(body: str, **limits: float) -> Sidecar:
        there = cluster(body, **limits)
        return Sidecar(there.kubectl.within("shop"), "client-1", there.timeouts)

    return make


def test_it_is_asked_by_its_own_pilot_agent(sidecar: Any, programs: Any) -> None:
    asyncio.run(sidecar("print('LIVE')").ready())
    (call,) = programs.calls()
    command = ["exec", "client-1", "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", "ready"]
    assert call["args"] == ["--context", "lab", "--namespace", "shop", *command]


def test_counters_have_envoys_own_names_whatever_istiod_adds_to_them(sidecar: Any, programs: Any) -> None:
    counters = asyncio.run(sidecar(f"print({STATS!r})").counters())
    assert counters == {
        f"cluster.{CLUSTER}.upstream_rq_total": 12,
        f"cluster.{CLUSTER}.upstream_rq_active": 3,
        "server.state": 0,
    }
    assert programs.calls()[0]["args"][-1] == "stats?type=Counters"


def test_gauges_are_asked_for_as_such(sidecar: Any, programs: Any) -> None:
    asyncio.run(sidecar(f"print({STATS!r})").gauges())
    assert programs.calls()[0]["args"][-1] == "stats?type=Gauges"


def test_of_a_large_mesh_only_the_clusters_of_the_services_meant_are_asked_for(sidecar: Any, programs: Any) -> None:
    services = ("helloworld.shop.svc.cluster.local", "a|b")
    asyncio.run(sidecar(f"print({STATS!r})").gauges(services))
    asyncio.run(sidecar("print('{}')").hosts({}, services))
    for call, page in zip(programs.calls(), ("stats?type=Gauges", "clusters?format=json"), strict=True):
        asked, _, pattern = call["args"][-1].partition("&filter=")
        assert asked == page
        assert not set(pattern) & set("|\\&")
        assert re.search(unquote(pattern), f"cluster.{CLUSTER};.upstream_rq_active")
        assert not re.search(unquote(pattern), "cluster.outbound|80||helloworldXshop.svc.cluster.local")


def test_hosts_go_by_the_names_of_their_pods(sidecar: Any, programs: Any) -> None:
    def host(address: str, **health: bool) -> Any:
        return {"address": {"socket_address": {"address": address, "port_value": 5000}}, "health_status": health}

    reported = {
        "cluster_statuses": [
            {"name": CLUSTER, "host_statuses": [host("10.0.0.1"), host("10.0.0.2", failed_outlier_check=True)]},
            {"name": "outbound|80||other.svc", "host_statuses": [host("10.0.0.9")]},
            {"name": "BlackHoleCluster"},
        ]
    }
    hosts = asyncio.run(sidecar(f"print({json.dumps(reported)!r})").hosts({"10.0.0.1": "v1-a", "10.0.0.2": "v1-b"}))
    assert hosts == (
        Host(CLUSTER, "v1-a", ejected=False),
        Host(CLUSTER, "v1-b", ejected=True),
        Host("outbound|80||other.svc", "10.0.0.9", ejected=False),
    )
    assert programs.calls()[0]["args"][-1] == "clusters?format=json"


def test_a_page_that_is_not_there_is_no_empty_answer(sidecar: Any) -> None:
    # pilot-agent exits with 0 for a 404, whose body is Envoy's list of pages.
    with pytest.raises(TargetError, match="the proxy of client-1 does not answer config_dump") as caught:
        asyncio.run(sidecar("print('invalid path. admin commands are:')").config_dump())
    assert "invalid path" in caught.value.detail


def test_a_proxy_that_does_not_answer_is_named(sidecar: Any) -> None:
    said = "Error: unable to upgrade connection: container not found (istio-proxy)"
    with pytest.raises(TargetError, match="asking the proxy of client-1 for ready failed") as caught:
        asyncio.run(sidecar(f"sys.exit({said!r})").ready())
    assert said in caught.value.detail


def test_a_proxy_that_hangs_is_named(sidecar: Any, programs: Any) -> None:
    with pytest.raises(TargetError, match="asking the proxy of client-1 for ready: no end within 1 s"):
        asyncio.run(sidecar("time.sleep(60)", kube_command=1).ready())
    assert programs.alive() == []


def test_a_clients_proxy_has_one_worker_and_keeps_the_statistics_that_are_read_of_it() -> None:
    reported = client_annotations()
    config = json.loads(reported["proxy.istio.io/config"])
    prefixes = reported["sidecar.istio.io/statsInclusionPrefixes"].split(",")
    assert config == {"concurrency": 1, "proxyStatsMatcher": {"inclusionPrefixes": prefixes}}
    assert "cluster.outbound" in prefixes
