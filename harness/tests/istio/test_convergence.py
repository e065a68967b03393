"""A proxy has converged when it runs the marker of the revision, and nothing of it is still warming."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.istio.proxy import marker
from meshproof.targets.istio.proxy.convergence import Watched, converged, missing
from meshproof.targets.istio.proxy.sidecar import Sidecar

NAMESPACE = "meshproof-a"
ADDRESSES = {"10.0.0.1", "10.0.0.2"}
SERVICE = "outbound|5000||helloworld.shop.svc.cluster.local"


def dump(revision: int, *, gateway: bool = False) -> Any:
    """The config dump of a proxy that runs the revision."""
    name = marker.cluster(NAMESPACE, revision)
    host = marker.entered(NAMESPACE, revision) if gateway else marker.host(NAMESPACE)
    domains = [host, f"{host}:{marker.PORT}"]
    virtual_host = {"name": host, "domains": domains, "routes": [{"name": "r", "route": {"cluster": name}}]}
    endpoints = [{"endpoint": {"address": {"socket_address": {"address": one}}}} for one in sorted(ADDRESSES)]
    return {
        "configs": [
            {"bootstrap": {}},
            {"dynamic_active_clusters": [{"cluster": {"name": name}}, {"cluster": {"name": SERVICE}}]},
            {"dynamic_listeners": [{"name": "0.0.0.0_24999", "active_state": {}}]},
            {"dynamic_route_configs": [{"route_config": {"name": "24999", "virtual_hosts": [virtual_host]}}]},
            {
                "dynamic_endpoint_configs": [
                    {"endpoint_config": {"cluster_name": SERVICE, "endpoints": [{"lb_endpoints": endpoints}]}}
                ]
            },
        ]
    }


def lacks(reported: Any, revision: int = 7, *, gateway: bool = False, endpoints: Any = ()) -> list[str]:
    watched = Watched(None, gateway, dict(endpoints))  # type: ignore[arg-type]
    return missing(reported, watched, NAMESPACE, revision)


@pytest.mark.parametrize("gateway", [False, True])
def test_a_proxy_that_runs_the_marker_lacks_nothing(gateway: bool) -> None:
    assert lacks(dump(7, gateway=gateway), gateway=gateway) == []


def test_an_older_marker_is_not_the_newest() -> None:
    reported = lacks(dump(6))
    assert reported == [
        f"cluster {marker.cluster(NAMESPACE, 7)}",
        f"the route of {marker.host(NAMESPACE)} to {marker.cluster(NAMESPACE, 7)}",
    ]


def test_routes_may_lag_behind_clusters() -> None:
    reported = dump(6)
    reported["configs"][1]["dynamic_active_clusters"].append({"cluster": {"name": marker.cluster(NAMESPACE, 7)}})
    assert lacks(reported) == [f"the route of {marker.host(NAMESPACE)} to {marker.cluster(NAMESPACE, 7)}"]


def test_a_gateway_must_serve_the_revisions_own_domain() -> None:
    """The marker's Gateway changes with each revision, so that changes of Gateways are waited for too."""
    assert lacks(dump(7), gateway=True)[0].startswith(f"the route of {marker.entered(NAMESPACE, 7)}")


def test_the_marker_of_another_run_does_not_count() -> None:
    reported = json.loads(json.dumps(dump(7)).replace(NAMESPACE, "meshproof-b"))
    assert len(lacks(reported)) == 2


def test_a_warming_cluster_or_listener_is_still_missing() -> None:
    reported = dump(7)
    reported["configs"][1]["dynamic_warming_clusters"] = [{"cluster": {"name": "outbound|80||slow"}}]
    reported["configs"][2]["dynamic_listeners"].append({"name": "0.0.0.0_8443", "warming_state": {}})
    assert lacks(reported) == ["cluster outbound|80||slow (warming)", "listener 0.0.0.0_8443 (warming)"]


def test_a_configuration_that_a_proxy_rejects_is_quoted() -> None:
    reported = dump(6)
    reported["configs"][2]["dynamic_listeners"][0]["error_state"] = {"details": "duplicate listener"}
    assert lacks(reported)[-1] == "what it refused: duplicate listener"


def test_endpoints_must_be_exactly_those_of_the_ready_pods() -> None:
    assert lacks(dump(7), endpoints={SERVICE: ADDRESSES}.items()) == []
    for wrong in ({"10.0.0.1"}, ADDRESSES | {"10.0.0.3"}):
        (reported,) = lacks(dump(7), endpoints={SERVICE: wrong}.items())
        assert reported.startswith(f"the endpoints of {SERVICE} (has 10.0.0.1, 10.0.0.2; wanted {len(wrong)})")
    assert "none" in lacks(dump(7), endpoints={"outbound|1||gone": {"10.0.0.1"}}.items())[0]


def test_an_unhealthy_endpoint_does_not_count() -> None:
    """istiod sends pods that are not ready as unhealthy endpoints."""
    reported = dump(7)
    (entry,) = reported["configs"][4]["dynamic_endpoint_configs"]
    entry["endpoint_config"]["endpoints"][0]["lb_endpoints"][0]["health_status"] = "UNHEALTHY"
    entry["endpoint_config"]["endpoints"][0]["lb_endpoints"][1]["health_status"] = "HEALTHY"
    (words,) = lacks(reported, endpoints={SERVICE: ADDRESSES}.items())
    assert words == f"the endpoints of {SERVICE} (has 10.0.0.2; wanted 2)"
    assert lacks(reported, endpoints={SERVICE: {"10.0.0.2"}}.items()) == []


def test_the_health_of_a_subsets_endpoints_is_checked_by_itself() -> None:
    reported = dump(7)
    name = SERVICE.replace("||", "|v1|")
    entry = json.loads(json.dumps(reported["configs"][4]["dynamic_endpoint_configs"][0]).replace(SERVICE, name))
    entry["endpoint_config"]["endpoints"][0]["lb_endpoints"][0]["health_status"] = "UNHEALTHY"
    reported["configs"][4]["dynamic_endpoint_configs"].append(entry)
    assert lacks(reported, endpoints={SERVICE: ADDRESSES}.items()) == [f"the health of 10.0.0.1 in {name}"]
    assert lacks(reported, endpoints={"outbound|5001||helloworld.shop.svc.cluster.local": set()}.items()) == []


SERVES = """
import pathlib
pod = args[args.index("exec") + 1]
steps = sorted(pathlib.Path(env["DUMPS"]).glob(pod + "-*"))
print(steps[0].read_text())
if len(steps) > 1:
    steps[0].unlink()
"""


@pytest.fixture
def proxies(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Proxies with the given dumps, one after another; the last one is repeated."""
    folder = tmp_path / "dumps"
    folder.mkdir()
    monkeypatch.setenv("DUMPS", str(folder))

    def make(**dumps: list[Any]) -> tuple[Any, list[Sidecar]]:
        there = cluster(SERVES, istio_converged=dumps.pop("limit", 20))
        for pod, steps in dumps.items():
            for number, step in enumerate(steps):
                (folder / f"{pod}-{number}").write_text(json.dumps(step))
        return there, [Sidecar(there.kubectl.within(NAMESPACE), pod, there.timeouts) for pod in dumps]

    return make


def test_it_is_waited_for_every_proxy(proxies: Any, programs: Any) -> None:
    there, (client, gateway) = proxies(client=[dump(6), dump(7)], gateway=[dump(7, gateway=True)])
    watched = [Watched(client), Watched(gateway, gateway=True)]
    began = time.monotonic()
    seconds = asyncio.run(converged(watched, NAMESPACE, 7, there.timeouts))
    assert 0 < seconds <= time.monotonic() - began
    assert len(programs.calls("kubectl")) == 3


def test_when_the_time_is_up_each_that_lacks_something_is_named(proxies: Any, programs: Any) -> None:
    there, (client, gateway) = proxies(client=[dump(6)], gateway=[dump(7, gateway=True)], limit=2)
    istioctl = Istioctl(programs.make("istioctl", "print('client-1  STALE')"), "1.30.4", (), "lab")
    watched = [Watched(client), Watched(gateway, gateway=True)]
    with pytest.raises(TargetError, match="the proxies did not take the configuration within 2 s") as caught:
        asyncio.run(converged(watched, NAMESPACE, 7, there.timeouts, istioctl))
    detail = caught.value.detail
    assert "client lacks " in detail
    assert "client-1  STALE" in detail
    assert programs.alive() == []


def test_a_proxy_that_fails_ends_the_wait(proxies: Any, programs: Any) -> None:
    there, (client,) = proxies(client=[dump(6)])
    programs.make("kubectl", "sys.exit('pods \"client\" not found')")
    with pytest.raises(TargetError, match="asking the proxy of client for config_dump"):
        asyncio.run(converged([Watched(client)], NAMESPACE, 7, there.timeouts))


def test_the_marker_is_applied_in_an_order_in_which_every_reference_exists() -> None:
    kinds = [one["kind"] for one in marker.manifests(NAMESPACE, 7)]
    assert kinds == ["ServiceEntry", "DestinationRule", "VirtualService"]
    kinds = [one["kind"] for one in marker.manifests(NAMESPACE, 7, [{"istio": "ingressgateway"}])]
    assert kinds == ["ServiceEntry", "DestinationRule", "Gateway", "VirtualService", "VirtualService"]


def test_every_kind_of_the_marker_changes_with_the_revision_but_the_entry() -> None:
    first, second = (marker.manifests(NAMESPACE, one, [{"istio": "ingressgateway"}]) for one in (1, 2))
    same = [one["kind"] for one, other in zip(first, second, strict=True) if one["spec"] == other["spec"]]
    assert same == ["ServiceEntry"]
    assert [one["metadata"] for one in first] == [one["metadata"] for one in second]


def test_without_gateways_the_marker_is_exported_to_no_other_namespace() -> None:
    assert {tuple(one["spec"]["exportTo"]) for one in marker.manifests(NAMESPACE, 7)} == {(".",)}


def test_with_gateways_the_marker_is_exported_to_their_namespace_alone() -> None:
    found = marker.manifests(NAMESPACE, 7, [{"istio": "ingressgateway"}], "istio-system")
    exported = [tuple(one["spec"]["exportTo"]) for one in found if one["kind"] != "Gateway"]
    assert set(exported) == {(".",), (".", "istio-system")}
    (inside,) = [one for one in found if one["spec"].get("gateways") == ["mesh"]]
    assert inside["spec"]["exportTo"] == ["."]


def test_no_port_that_a_gateway_may_serve_on_is_shared() -> None:
    (gateway,) = [one for one in marker.manifests(NAMESPACE, 7, [{"a": "b"}], "home") if one["kind"] == "Gateway"]
    assert [server["port"]["number"] for server in gateway["spec"]["servers"]] == [marker.PORT]


def test_gateways_that_select_the_same_pods_are_marked_once() -> None:
    selectors = [{"istio": "ingressgateway"}, {"istio": "ingressgateway"}, {"app": "mine"}]
    found = [one for one in marker.manifests(NAMESPACE, 7, selectors) if one["kind"] == "Gateway"]
    assert [one["spec"]["selector"] for one in found] == [{"istio": "ingressgateway"}, {"app": "mine"}]
