#!/usr/bin/env bash
# kubernetes 35.0.0, 36.0.3 and 37.0.2 (the official Python client): five lines of a pod's log are one, and one line of JSON is none.
#
# read_namespaced_pod_log promises a text, and makes one of whatever the answer could be read as. Up to 35 that is JSON where the
# whole log is: one line of a JSON access log comes as Python's spelling of a dict, which no JSON reader takes, and "1.20" as 1.2,
# while two lines come as they are. In 36 the rest is given as Python spells bytes, `b'...\n...'`, in one line, quotes and
# all: whoever counts lines that say v2, to see what a mirror or a canary got, counts one for any number, whoever looks for a
# word at all finds it, and an empty log is true. 37 hands over what was written. What a command in the pod prints, as
# Envoy's /config_dump, is treated as of old up to 36, so that a dump of JSON is no JSON. `_preload_content=False` and
# Watch().stream give the text in all three.
#
# Seen on 2026-12-01 (what is handed over, as a repr; "lines" are those with v2, by splitlines):
#   log of five lines, three with v2:  35: lines 3   36: lines 1   37: lines 3
#   empty log:                         35: ''        36: "b''"     37: ''
#   log of one line of JSON:           35: "{'to': 'v2'}"   36: "{'to': 'v2'}"   37: '{"to":"v2"}\n'
#   log "1.20":                        35: '1.2'     36: '1.2'     37: '1.20\n'
#   command that prints JSON:          35: "{'to': 'v2'}"   36: "{'to': 'v2'}"   37: '{"to":"v2"}\n'
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
cat >ask.py <<'PY'
import base64
import hashlib
import http.server
import threading

import kubernetes
from kubernetes.stream import stream


class Cluster(http.server.BaseHTTPRequestHandler):
    """Answers with the text of a log, or, over a websocket, with what a command prints."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "/exec" not in self.path:
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(self.server.text)))
            self.end_headers()
            self.wfile.write(self.server.text)
            return
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("sec-websocket-protocol", "v4.channel.k8s.io")
        self.end_headers()
        for channel, data in (1, self.server.text), (3, b'{"metadata":{},"status":"Success"}'):
            self.wfile.write(bytes([0x82, len(data) + 1, channel]) + data)
        self.wfile.write(bytes([0x88, 0]))
        self.close_connection = True

    def log_message(self, *message):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
threading.Thread(target=server.serve_forever, daemon=True).start()
configuration = kubernetes.client.Configuration()
configuration.host = f"http://127.0.0.1:{server.server_port}"
api = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))


def log(text):
    server.text = text.encode()
    return api.read_namespaced_pod_log("shop", "default")


def command(text):
    server.text = text.encode()
    return stream(api.connect_get_namespaced_pod_exec, "shop", "default", command=["look"], stderr=True, stdin=False, stdout=True, tty=False)


five = "GET / to v1\nGET / to v2\nGET / to v2\nGET / to v1\nGET / to v2\n"
version = kubernetes.__version__
print(version, "lines with v2:", sum("v2" in line for line in log(five).splitlines()))
print(version, "log:", *(repr(log(text)) for text in ("", '{"to":"v2"}\n', "1.20\n")))
print(version, "command:", *(repr(command(text)) for text in ('{"to":"v2"}\n', "1.20\n")))
server.shutdown()
PY
for version in 35.0.0 36.0.3 37.0.2; do
  venv/bin/pip install -q --no-compile --disable-pip-version-check "kubernetes==$version"
  timeout 300 venv/bin/python ask.py
done >seen
cat seen
stated="35.0.0 lines with v2: 3
35.0.0 log: '' \"{'to': 'v2'}\" '1.2'
35.0.0 command: \"{'to': 'v2'}\" '1.2'
36.0.3 lines with v2: 1
36.0.3 log: \"b''\" \"{'to': 'v2'}\" '1.2'
36.0.3 command: \"{'to': 'v2'}\" '1.2'
37.0.2 lines with v2: 3
37.0.2 log: '' '{\"to\":\"v2\"}\\n' '1.20\\n'
37.0.2 command: '{\"to\":\"v2\"}\\n' '1.20\\n'"
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
