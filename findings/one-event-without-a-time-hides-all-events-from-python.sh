#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python) and k8s.io/api v0.37.2 (the API server's types): one event, and none can be listed.
#
# An event of events.k8s.io/v1 has an `eventTime`, which Kubernetes writes as null for events of the older kind: those that
# client-go's recorder makes, and with it the kubelet and most controllers. To the Python client
# the field is required and never null. `EventsV1Api().list_namespaced_event` reads a list or nothing, so a single event
# of that kind in a namespace costs all the others. `CoreV1Api` lists the very same events.
#
# Seen on 2026-12-01 (two events, as Kubernetes' types write them; one with a time and one of the older kind):
#   EventsV1Api, with a time:   1 event
#   EventsV1Api, both:          ValidationError
#   CoreV1Api, both:            2 events
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"os"
	"time"

	core "k8s.io/api/core/v1"
	events "k8s.io/api/events/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func write(path string, object any) {
	text, err := json.Marshal(object)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

func main() {
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	object := core.ObjectReference{Kind: "Pod", Namespace: "shop", Name: "cart"}
	timed := events.Event{ObjectMeta: meta.ObjectMeta{Name: "timed"}, EventTime: meta.NewMicroTime(now), Reason: "Started", Type: "Normal"}
	timed.Regarding, timed.ReportingController, timed.ReportingInstance, timed.Action = object, "shop", "shop-1", "Start"
	older := events.Event{ObjectMeta: meta.ObjectMeta{Name: "older"}, Reason: "BackOff", Type: "Warning", Regarding: object}
	older.DeprecatedCount, older.DeprecatedLastTimestamp = 3, meta.NewTime(now)
	kind := meta.TypeMeta{APIVersion: "events.k8s.io/v1", Kind: "EventList"}
	write("timed.json", events.EventList{TypeMeta: kind, Items: []events.Event{timed}})
	write("both.json", events.EventList{TypeMeta: kind, Items: []events.Event{timed, older}})

	first := core.Event{ObjectMeta: timed.ObjectMeta, InvolvedObject: object, EventTime: timed.EventTime, Reason: timed.Reason}
	second := core.Event{ObjectMeta: older.ObjectMeta, InvolvedObject: object, LastTimestamp: older.DeprecatedLastTimestamp, Count: 3}
	kind = meta.TypeMeta{APIVersion: "v1", Kind: "EventList"}
	write("core.json", core.EventList{TypeMeta: kind, Items: []core.Event{first, second}})
}
GO
go mod init write 2>/dev/null
go get k8s.io/api@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go run .
cat >list.py <<'PY'
import http.server
import threading
from pathlib import Path

from kubernetes import client


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = Path(answer).read_bytes()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
settings = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
with client.ApiClient(settings) as api:
    for title, answer, kind in (
        ("EventsV1Api, with a time", "timed.json", client.EventsV1Api),
        ("EventsV1Api, both", "both.json", client.EventsV1Api),
        ("CoreV1Api, both", "core.json", client.CoreV1Api),
    ):
        try:
            print(f"{title}: {len(kind(api).list_namespaced_event('shop').items)}")
        except ValueError as error:
            print(f"{title}: {type(error).__name__}")
PY
seen=$(timeout 60 venv/bin/python list.py)
echo "$seen"
stated='EventsV1Api, with a time: 1
EventsV1Api, both: ValidationError
CoreV1Api, both: 2'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
