#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python) and k8s.io/client-go v0.37.2 (kubectl's own code): `as` is for kubectl alone.
#
# A user of a kubeconfig can act as another account: `as`, `as-groups`, `as-uid`. That is how people keep their
# administrator's certificate and work with fewer rights, or try what an account may do. The Python client does not know
# these fields and says nothing of them: the same context asks as the administrator. Rights that an account lacks are
# found by kubectl and not by a test in Python, and what is made is written down under another name.
#
# Seen on 2026-11-30 (whom the server is asked to take the request for):
#   kubectl: viewer
#   Python: -
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
	chosen, err := clientcmd.BuildConfigFromFlags("", "../kubeconfig")
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
go build -o kubectl .
cd ..
cat >server.py <<'PY'
import http.server
import json
import os

FIELDS = "major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("asked", "a") as asked:
            print(self.headers.get("impersonate-user", "-"), file=asked)
        body = json.dumps(dict.fromkeys(FIELDS.split(), "1")).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port.part", "w") as file:
    file.write(str(server.server_port))
os.rename("port.part", "port")
server.serve_forever()
PY
timeout 90 python3 server.py &
tries=0
until [[ -f port ]]; do ((++tries < 200)); sleep 0.05; done
cat >kubeconfig <<YAML
apiVersion: v1
kind: Config
current-context: shop
clusters: [{name: shop, cluster: {server: "http://127.0.0.1:$(cat port)"}}]
users: [{name: administrator, user: {token: of-the-administrator, as: viewer}}]
contexts: [{name: shop, context: {cluster: shop, user: administrator}}]
YAML
cat >ask.py <<'PY'
from kubernetes import client, config

config.load_kube_config("kubeconfig")
client.VersionApi().get_code()
PY

(cd ask && timeout 60 ./kubectl)
timeout 60 venv/bin/python ask.py
echo "kubectl: $(sed -n 1p asked)"
echo "Python: $(sed -n 2p asked)"
if [[ $(<asked) != $'viewer\n-' ]]; then echo "not as stated any more"; exit 1; fi
