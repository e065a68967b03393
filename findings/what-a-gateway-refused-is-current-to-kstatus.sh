#!/usr/bin/env bash
# kstatus of sigs.k8s.io/cli-utils v0.37.2 and of Flux' fork, github.com/fluxcd/cli-utils v1.3.0: a route that its Gateway refused is done, and a Gateway without an address as well.
#
# kstatus, by which Flux and Helm 4 wait, reckons of any object whether it is as was asked for. It has rules for the kinds of Kubernetes; of all others
# it reads status.observedGeneration and conditions named Ready, Reconciling and Stalled, and what has none of them is
# Current. Objects of meshes have none: those of the Gateway API say Accepted, Programmed and ResolvedRefs, a route says them
# beneath each parent, with a generation of its own, and Istio's say Reconciled, beside what its analysis found. So
# an installation that waits is done at once, whatever a controller says of the traffic, and before any has looked. A
# condition Ready alone, which these objects do not have, is waited for.
#
# Seen on 2026-12-01 (what both say of objects whose status tells, in Gateway API and Istio, that they are not in force):
#   HTTPRoute, not accepted:                           Current
#   HTTPRoute, its Service not found:                  Current
#   HTTPRoute, edited since it was accepted:           Current
#   HTTPRoute, seen by nobody:                         Current
#   Gateway, not accepted, not programmed:             Current
#   VirtualService, an error found, in no proxy:       Current
#   VirtualService, edited since it was looked at:     InProgress
#   HTTPRoute, with a condition Ready that is false:   InProgress
# The first run fetches and compiles the modules, which takes a minute or two.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >objects.yaml <<'YAML'
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: refused, generation: 1}
  status:
    parents:
    - {parentRef: {name: edge}, controllerName: example.test/gateway, conditions: [{type: Accepted, status: "False", reason: NotAllowedByListeners, observedGeneration: 1}]}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: unresolved, generation: 1}
  status:
    parents:
    - parentRef: {name: edge}
      controllerName: example.test/gateway
      conditions:
      - {type: Accepted, status: "True", reason: Accepted, observedGeneration: 1}
      - {type: ResolvedRefs, status: "False", reason: BackendNotFound, observedGeneration: 1}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: edited, generation: 2}
  status:
    parents:
    - {parentRef: {name: edge}, controllerName: example.test/gateway, conditions: [{type: Accepted, status: "True", reason: Accepted, observedGeneration: 1}]}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: unseen, generation: 1}
- apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {name: refused, generation: 1}
  status:
    conditions:
    - {type: Accepted, status: "False", reason: ListenersNotValid, observedGeneration: 1}
    - {type: Programmed, status: "False", reason: AddressNotAssigned, observedGeneration: 1}
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: wrong, generation: 1}
  status:
    observedGeneration: 1
    conditions: [{type: Reconciled, status: "False"}]
    validationMessages: [{level: ERROR, type: {code: IST0101}}]
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: edited, generation: 2}
  status: {observedGeneration: 1, conditions: [{type: Reconciled, status: "True"}]}
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: ready, generation: 1}
  status: {conditions: [{type: Ready, status: "False"}]}
YAML
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	flux "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile("objects.yaml")
	if err != nil {
		panic(err)
	}
	var objects []any
	if err := yaml.Unmarshal(text, &objects); err != nil {
		panic(err)
	}
	for _, object := range objects {
		// By way of JSON, so that numbers are as a client reads them from a cluster.
		written, err := json.Marshal(object)
		if err != nil {
			panic(err)
		}
		one := &unstructured.Unstructured{}
		if err := one.UnmarshalJSON(written); err != nil {
			panic(err)
		}
		found, err := status.Compute(one)
		if err != nil {
			panic(err)
		}
		fork, err := flux.Compute(one)
		if err != nil {
			panic(err)
		}
		fmt.Println(one.GetKind(), one.GetName(), found.Status, fork.Status)
	}
}
GO
go mod init ask 2>/dev/null
go get sigs.k8s.io/cli-utils@v0.37.2 github.com/fluxcd/cli-utils@v1.3.0 sigs.k8s.io/yaml@v1.6.0 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
seen=$(timeout 300 ./ask)
echo "$seen"
stated='HTTPRoute refused Current Current
HTTPRoute unresolved Current Current
HTTPRoute edited Current Current
HTTPRoute unseen Current Current
Gateway refused Current Current
VirtualService wrong Current Current
VirtualService edited InProgress InProgress
HTTPRoute ready InProgress InProgress'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
