#!/bin/sh
# Builds what kube-proxy on the guest needs: etcd, kube-apiserver, kube-controller-manager, kubectl and kube-proxy of the
# lab's Kubernetes, and kube-proxy of a release that deprecates IPVS. Takes Go 1.26, 2 GB of disk and some minutes; what
# stands is not built again.
set -eu
cd "$(dirname "$0")"
build=$PWD/../../../lab/kubernetes/build.sh
sh ../../../kube/apiserver/build.sh
"$build" kube-proxy
MESHPROOF_KUBERNETES_MODULE=$PWD/newest "$build" kube-proxy
