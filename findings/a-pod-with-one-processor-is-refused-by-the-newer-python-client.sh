#!/usr/bin/env bash
# kubernetes 37.0.2 (Python client): a manifest with `cpu: 1` is refused before it is sent; 36.0.0 sends it.
#
# A quantity may be a number (`limits: {cpu: 1}`), which is how most people write whole processors, and the API server and kubectl
# take it. Up to 36 the client hands a manifest that is a dict to the server as it is. Since 37 its arguments are pydantic models:
# it holds the dict against them first, and its models say of a quantity that it is a text. So a manifest that `kubectl apply`
# takes, read by a YAML library and given to `create_namespaced_pod`, raises a ValidationError of pydantic, which is no ApiException, and
# nothing is sent. The same holds for memory in bytes. With quotes it passes both.
#
# Seen on 2026-12-01 (what the server received, or what the client raised):
#   36.0.0  cpu: 1    received {"cpu": 1}
#   36.0.0  cpu: "1"  received {"cpu": "1"}
#   37.0.2  cpu: 1    ValidationError, nothing received
#   37.0.2  cpu: "1"  received {"cpu": "1"}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >ask.py <<'PY'
import http.server
import json
import threading

import kubernetes
from kubernetes import client


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with the object that it was given, as the API server does."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(json.loads(body)["spec"]["containers"][0]["resources"]["limits"])
        answer = body.replace(b'"cpu": 1', b'"cpu": "1"')
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *message):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.received = []
threading.Thread(target=server.serve_forever, daemon=True).start()
configuration = client.Configuration()
configuration.host = f"http://127.0.0.1:{server.server_port}"
api = client.CoreV1Api(client.ApiClient(configuration))
for cpu in (1, "1"):
    container = {"name": "shop", "image": "shop", "resources": {"limits": {"cpu": cpu}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": {"containers": [container]}}
    server.received.clear()
    try:
        api.create_namespaced_pod("default", pod)
        said = ""
    except client.ApiException as error:
        said = f"ApiException {error.status}, "
    except Exception as error:
        said = f"{type(error).__name__}, "
    came = f"received {json.dumps(server.received[0])}" if server.received else "nothing received"
    print(kubernetes.__version__, f"cpu: {json.dumps(cpu)}", said + came)
PY
for version in 36.0.0 37.0.2; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install -q --no-compile --disable-pip-version-check "kubernetes==$version"
  timeout 100 "venv-$version/bin/python" ask.py
done | tee seen
stated='36.0.0 cpu: 1 received {"cpu": 1}
36.0.0 cpu: "1" received {"cpu": "1"}
37.0.2 cpu: 1 ValidationError, nothing received
37.0.2 cpu: "1" received {"cpu": "1"}'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
