#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python) and k8s.io/client-go v0.37.2 (kubectl's own code): a `tokenFile` is read once, or not at all.
#
# Tokens of service accounts are short-lived, so a kubeconfig names a file, which is written anew. Kubernetes' own code
# reads it for each process and again each minute, and what is in it comes before a `token` beside it. The Python client
# keeps the `token` beside it, whatever the file says. Without one it reads the file once; a last line that ends as lines
# do, as `kubectl create token` writes it, makes every request fail before it is sent.
#
# Seen on 2026-11-30 (what the server is sent before and after the file is written anew):
#   tokenFile, no newline       kubectl: Bearer first, Bearer second  Python: Bearer first, Bearer first
#   tokenFile, newline          kubectl: Bearer first, Bearer second  Python: ValueError
#   tokenFile beside a token    kubectl: Bearer first, Bearer second  Python: Bearer stale, Bearer stale
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check kubernetes==37.0.2
mkdir ask
cd ask
cat >main.go <<'GO'
package main

import (
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	chosen, err := clientcmd.BuildConfigFromFlags("", "kubeconfig")
	if err != nil {
		panic(err)
	}
	asking, err := rest.HTTPClientFor(chosen)
	if err != nil {
		panic(err)
	}
	answer, err := asking.Get(chosen.Host + "/version/")
	if err != nil {
		panic(err)
	}
	answer.Body.Close()
}
GO
go mod init ask 2>/dev/null
go get k8s.io/client-go@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ../kubectl .
cd ..
cat >server.py <<'PY'
import http.server
import json
import os
import ssl

FIELDS = "major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("asked", "a") as asked:
            print(self.headers.get("authorization", "-"), file=asked)
        body = json.dumps(dict.fromkeys(FIELDS.split(), "1")).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
secure.load_cert_chain("server.pem")
server.socket = secure.wrap_socket(server.socket, server_side=True)
with open("port.part", "w") as file:
    file.write(str(server.server_port))
os.rename("port.part", "port")
server.serve_forever()
PY
# Kubernetes' own code sends no token in the clear.
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=shop -addext subjectAltName=IP:127.0.0.1 \
  -keyout key.pem -out authority.pem 2>/dev/null
cat key.pem authority.pem >server.pem
timeout 170 python3 server.py &
tries=0
until [[ -f port ]]; do ((++tries < 200)); sleep 0.05; done
cat >ask.py <<'PY'
import sys

from kubernetes import client, config

config.load_kube_config("kubeconfig")
try:
    for written in ("first", "second"):
        with open("token", "w") as file:
            file.write(written + sys.argv[1])
        client.VersionApi().get_code()
except ValueError:
    print("ValueError")
PY

newline=$'\n'
wrong=0
# expect WHAT USER ENDING PYTHON
expect() {
  cat >kubeconfig <<YAML
apiVersion: v1
kind: Config
current-context: shop
clusters: [{name: shop, cluster: {server: "https://127.0.0.1:$(cat port)", certificate-authority: authority.pem}}]
users: [{name: robot, user: $2}]
contexts: [{name: shop, context: {cluster: shop, user: robot}}]
YAML
  : >asked
  for written in first second; do printf '%s%s' "$written" "$3" >token; timeout 60 ./kubectl; done
  go=$(paste -sd, asked)
  printf 'first%s' "$3" >token
  : >asked
  said=$(timeout 60 venv/bin/python ask.py "$3")
  python=$said$(paste -sd, asked)
  echo "$1  kubectl: $go  Python: $python"
  [[ $go == "Bearer first,Bearer second" && $python == "$4" ]] || wrong=1
}
expect 'tokenFile, no newline' '{tokenFile: token}' '' 'Bearer first,Bearer first'
expect 'tokenFile, newline' '{tokenFile: token}' "$newline" 'ValueError'
expect 'tokenFile beside a token' '{token: stale, tokenFile: token}' "$newline" 'Bearer stale,Bearer stale'
if ((wrong)); then echo "not as stated any more"; exit 1; fi
