#!/usr/bin/env bash
# k8s.io/apimachinery v0.37.2 (what `kubectl apply` merges with) and kustomize v5.8.2: HTTP/3's port is edited, and HTTPS moves.
#
# A gateway that speaks HTTP/3 has port 443 twice in its Service, for TCP and for UDP. Where a patch is merged by Kubernetes' strategy,
# as `kubectl apply` does without `--server-side`, the entries of `ports` are told apart by `port` alone. So an edit of the UDP
# port's targetPort is read as "443 has another targetPort" and carried out on the first 443: HTTPS leads to a port where nobody
# listens for it, HTTP/3 stays as it was, and there is no error. The same file applied again takes that back, and once more does it
# again: what the cluster has depends on whether the pipeline ran an even or an odd number of times, and is never what the file
# says. `kubectl patch` makes a second UDP port of the TCP one, which the API server refuses; kustomize, given that same patch,
# looks at the protocol as well and is right. (kubernetes/kubernetes#105610.)
#
# Seen on 2026-12-01 (https and http3, both 443 to 8443; http3 is to lead to 9443; the ports that come out):
#   kubectl apply:   https TCP 9443, http3 UDP 8443
#   the same again:  https TCP 8443, http3 UDP 8443
#   once more:       https TCP 9443, http3 UDP 8443
#   kubectl patch:   http3 UDP 9443, http3 UDP 8443
#   kustomize build: https TCP 8443, http3 UDP 9443
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
GOBIN=$dir GOFLAGS=-mod=mod go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.2 2>/dev/null
service() {
  echo 'apiVersion: v1
kind: Service
metadata: {name: gateway}
spec:
  ports:'
}
https='  - {name: https, port: 443, protocol: TCP, targetPort: 8443}'
http3() { echo "  - {name: http3, port: 443, protocol: UDP, targetPort: $1}"; }
{ service; echo "$https"; http3 8443; } >service.yaml
{ service; echo "$https"; http3 9443; } >edited.yaml
{ service; http3 9443; } >patch.yaml
echo '{resources: [service.yaml], patches: [{path: patch.yaml}]}' >kustomization.yaml
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func read(path string) []byte {
	text, err := os.ReadFile(path)
	check(err)
	object, err := yaml.YAMLToJSON(text)
	check(err)
	return object
}

func show(title string, object []byte) {
	var service core.Service
	check(json.Unmarshal(object, &service))
	var ports []string
	for _, port := range service.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%s %s %s", port.Name, port.Protocol, port.TargetPort.String()))
	}
	fmt.Printf("%s: %s\n", title, strings.Join(ports, ", "))
}

func main() {
	meta, err := strategicpatch.NewPatchMetaFromStruct(core.Service{})
	check(err)
	// What was applied last, what is applied now, and what the cluster has: kubectl makes a patch of these, and the server merges it.
	applied, edited, live := read("service.yaml"), read("edited.yaml"), read("service.yaml")
	for _, title := range []string{"kubectl apply", "the same again", "once more"} {
		patch, err := strategicpatch.CreateThreeWayMergePatch(applied, edited, live, meta, true)
		check(err)
		live, err = strategicpatch.StrategicMergePatch(live, patch, core.Service{})
		check(err)
		show(title, live)
		applied = edited
	}
	patched, err := strategicpatch.StrategicMergePatch(read("service.yaml"), read("patch.yaml"), core.Service{})
	check(err)
	show("kubectl patch", patched)
	show("kustomize build", read("built.yaml"))
}
GO
go mod init ask 2>/dev/null
go get k8s.io/api@v0.37.2 k8s.io/apimachinery@v0.37.2 sigs.k8s.io/yaml@v1.6.0 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
timeout 60 ./kustomize build . >built.yaml
seen=$(timeout 60 ./ask)
echo "$seen"
stated='kubectl apply: https TCP 9443, http3 UDP 8443
the same again: https TCP 8443, http3 UDP 8443
once more: https TCP 9443, http3 UDP 8443
kubectl patch: http3 UDP 9443, http3 UDP 8443
kustomize build: https TCP 8443, http3 UDP 9443'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
