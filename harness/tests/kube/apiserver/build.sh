#!/bin/sh
# Builds what the tests of a real API server need (etcd, kube-apiserver, kube-controller-manager, kubectl) and fetches
# Istio's CRDs, all as Go modules. Takes Go 1.24 or newer, 2 GB of disk and some minutes; what stands is not built again.
set -eu
istio=v1.31.1
bin=$("$(dirname "$0")/../../lab/kubernetes/build.sh" etcd kube-apiserver kube-controller-manager kubectl)
[ -f "$bin/istio-crds.yaml" ] || {
  module=$(GOFLAGS=-mod=mod go mod download -json "istio.io/api@$istio" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  install -m 0644 "$module/kubernetes/customresourcedefinitions.gen.yaml" "$bin/istio-crds.yaml"
}
echo "$bin"
