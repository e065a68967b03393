#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python) and k8s.io/api v0.37.2 (the API server's types): a time without a fraction is none.
#
# `renewTime` and `acquireTime` of a Lease and `eventTime` of an Event have microseconds, and Kubernetes reads them with six
# digits and no fewer. The Python client writes a datetime as Python does, which leaves a fraction of zero out. So a time on
# the full second (`datetime.now().replace(microsecond=0)`, one from a file or a test) is refused by the API server,
# also when it was just read there and is written back unchanged; in the long run so is one renewal in a million.
# Times of the other kind, such as `creationTimestamp`, are read either way.
#
# Seen on 2026-12-01 (what the client writes, and what Kubernetes' types make of it):
#   5 microseconds past:  renewTime 2026-12-01T08:00:00.000005+00:00   read
#   on the second:        renewTime 2026-12-01T08:00:00+00:00          refused
#   read and sent back:   renewTime 2026-12-01T08:00:00+00:00          refused (the server wrote 2026-12-01T08:00:00.000000Z)
#   creationTimestamp on the second: 2026-12-01T08:00:00+00:00         read
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >main.go <<'GO'
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	v1 "k8s.io/api/coordination/v1"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		title, text, _ := strings.Cut(lines.Text(), "\t")
		var sent struct {
			Metadata struct{ CreationTimestamp string }
			Spec     struct{ RenewTime string }
		}
		if err := json.Unmarshal([]byte(text), &sent); err != nil {
			panic(err)
		}
		var lease v1.Lease
		verdict := "read"
		if err := json.Unmarshal([]byte(text), &lease); err != nil {
			verdict = "refused"
		}
		fmt.Printf("%s: %s%s %s\n", title, sent.Metadata.CreationTimestamp, sent.Spec.RenewTime, verdict)
	}
}
GO
go mod init ask 2>/dev/null
go get k8s.io/api@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
cat >write.py <<'PY'
import json
from datetime import UTC, datetime

from kubernetes import client

api = client.ApiClient()
second = datetime(2026, 12, 1, 8, tzinfo=UTC)
stored = '{"spec": {"renewTime": "2026-12-01T08:00:00.000000Z"}}'
leases = {
    "5 microseconds past": client.V1Lease(spec=client.V1LeaseSpec(renew_time=second.replace(microsecond=5))),
    "on the second": client.V1Lease(spec=client.V1LeaseSpec(renew_time=second)),
    "read and sent back": api.deserialize(stored, "V1Lease", "application/json"),
    "creationTimestamp": client.V1Lease(metadata=client.V1ObjectMeta(creation_timestamp=second)),
}
for title, lease in leases.items():
    print(title, json.dumps(api.sanitize_for_serialization(lease)), sep="\t")
PY
seen=$(timeout 60 venv/bin/python write.py | timeout 60 ./ask)
echo "$seen"
stated='5 microseconds past: 2026-12-01T08:00:00.000005+00:00 read
on the second: 2026-12-01T08:00:00+00:00 refused
read and sent back: 2026-12-01T08:00:00+00:00 refused
creationTimestamp: 2026-12-01T08:00:00+00:00 read'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
