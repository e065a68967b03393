"""What a cluster's proxies run is held against its objects; the proxies' pages are stand-ins."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from live_shop import SECRET

URL = "http://reviews.shop/"


@pytest.fixture
def page(shop: Any) -> Iterator[dict[str, Any]]:
    """The configuration dump of a pod of reviews: at first what its objects say."""
    printed = shop.live("explain", URL, "-o", "envoy", "--all")
    # What is printed has lost the header's value; a proxy has it.
    document = json.loads(printed.replace("[redacted]", f"Bearer {SECRET}"))
    routes = [{"route_config": one} for one in document["routes"]]
    known = {"configs": [{"dynamic_route_configs": routes}, {"bootstrap": {"node": {"metadata": {"TOKEN": SECRET}}}}]}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = json.dumps(known).encode()
            self.send_response(200 if self.path == "/config_dump?include_eds" else 404)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    shop.api.node.leads["reviews-v1-a-0:15000"] = server.server_port
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


def weighted(page: dict[str, Any]) -> Any:
    """The two destinations of the rule for everybody."""
    (table,) = (one["route_config"] for one in page["configs"][0]["dynamic_route_configs"])
    (host,) = (one for one in table["virtual_hosts"] if "reviews.shop" in one["domains"])
    return host["routes"][1]["route"]["weighted_clusters"]["clusters"]


def test_a_proxy_that_runs_the_same_is_told_last_and_one_that_does_not_first(shop: Any, page: dict[str, Any]) -> None:
    told = shop.live("explain", URL)
    assert "the proxy of shop/reviews-v1-a-0 runs the same: 2 of its routes compared" in told.splitlines()[-1]
    for one, weight in zip(weighted(page), (50, 50), strict=True):
        one["weight"] = weight
    told = shop.live("explain", URL, code=1)
    assert told.startswith("the proxy of shop/reviews-v1-a-0 runs something else than these objects say")
    assert "route 2: route.weighted_clusters.clusters[0].weight: 90 by the objects, 50 in the proxy" in told
    proxy = json.loads(shop.live("explain", URL, "-o", "json", code=1))["proxy"]
    assert (proxy["same"], proxy["differences"][0]["proxy"]) == (False, "50")


def test_a_bundle_of_a_cluster_is_held_against_a_folder_and_what_its_proxies_do_otherwise_is_said_first(
    shop: Any, page: dict[str, Any]
) -> None:
    """90/10 is wanted, and the cluster has 50/50; its proxy has not got that yet."""
    path = "/apis/networking.istio.io/v1beta1/namespaces/shop/virtualservices/reviews"
    route = shop.api.objects[path]
    route["spec"]["http"][0]["match"] = [{"headers": {"x-beta": {"exact": "yes"}}}]
    (shop.here / "k8s").mkdir()
    (shop.here / "k8s" / "reviews.yaml").write_text(json.dumps(route))
    for one in route["spec"]["http"][1]["route"]:
        one["weight"] = 50
    assert "1 configurations of proxies" in shop.run("capture", "--context", "lab", "-n", "shop")
    shop.api.objects.clear()
    words = ("replay", "bundle.tar.gz", "--expect", "k8s", "--request", URL, "--output", "again")
    told = shop.run(*words, code=1)
    first = told.index("runs something else than these objects say")
    assert first < told.index("reviews.shop/v1 90 %, reviews.shop/v2 10 %"), "before it is explained"
    report = json.loads((shop.here / "again" / "report.json").read_text())
    outcomes = {one["check"]: (one["outcome"], one["reason"]) for one in report["checks"]}
    assert outcomes["Split"][0] == "failed"
    assert "/k8s/reviews.yaml:1:" in outcomes["Split"][1]
    assert {outcome for outcome, _ in outcomes.values()} == {"failed", "passed"}
    kept = sorted((shop.here / "again" / "manifests").glob("*/*-0.yaml"))
    assert [("kind: CapturedCluster" in one.read_text()) for one in kept] == [True] * len(kept), (
        "so it is replayed alike"
    )
