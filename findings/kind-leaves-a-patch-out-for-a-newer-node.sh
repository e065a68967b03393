#!/usr/bin/env bash
# kind 0.33.0 (sigs.k8s.io/kind): a cluster's own settings are gone after the node image is raised, and nothing says so.
#
# `kubeadmConfigPatches` are the way to give the API server flags: here an audit log, in a patch that names its API as
# kubeadm's documentation does, kubeadm.k8s.io/v1beta3. kind makes the configuration of the API that is the node
# version's, v1beta3 up to Kubernetes 1.35 and v1beta4 from 1.36 on, and takes of all patches those whose API is the
# same. The others are no error and no warning, though of a patch that names no API the very same lines are
# translated. So a cluster for tests loses its audit log, or its feature flag, with the image's tag.
#
# Seen on 2026-11-29 (is audit-log-path among the API server's flags? kind's own code, no cluster):
#   v1beta3, node 1.35.0: yes    v1beta3, node 1.36.0: no     error: none
#   no API,  node 1.35.0: yes    no API,  node 1.36.0: yes    error: none
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
mkdir fetch
cd fetch
go mod init fetch 2>/dev/null
source=$(go mod download -json sigs.k8s.io/kind@v0.33.0 | sed -n 's/.*"Dir": "\(.*\)",*$/\1/p')
cd ..
# What makes the configuration is internal to the module, so that its caller has to stand in it.
cp -r "$source" kind
chmod -R u+w kind
mkdir -p kind/pkg/cluster/internal/kubeadm/ask
cat >kind/pkg/cluster/internal/kubeadm/ask/main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kind/pkg/cluster/internal/kubeadm"
	"sigs.k8s.io/kind/pkg/internal/patch"
)

func main() {
	made, err := kubeadm.Config(kubeadm.ConfigData{
		ClusterName: "test", KubernetesVersion: os.Args[1], ControlPlane: true, NodeAddress: "127.0.0.1", NodeName: "test",
		APIBindPort: 6443, ControlPlaneEndpoint: "test:6443", PodSubnet: "10.1.0.0/16", ServiceSubnet: "10.2.0.0/16",
		Token: "abcdef.0123456789abcdef", KubeProxyMode: "iptables",
	})
	if err != nil {
		panic(err)
	}
	given := os.Args[2] + "kind: ClusterConfiguration\napiServer:\n  extraArgs:\n    audit-log-path: /var/log/audit.log\n"
	patched, err := patch.KubeYAML(made, []string{given}, nil)
	if err != nil {
		panic(err)
	}
	answer := "no"
	if strings.Contains(patched, "audit-log-path") {
		answer = "yes"
	}
	fmt.Println(answer)
}
GO
cd kind
go build -o ../ask ./pkg/cluster/internal/kubeadm/ask 2>/dev/null
cd ..

seen=""
for api in v1beta3 ""; do
  for version in 1.35.0 1.36.0; do
    answer=$(timeout 60 ./ask "$version" "${api:+apiVersion: kubeadm.k8s.io/$api$'\n'}")
    echo "${api:-no API}, node $version: $answer"
    seen+="$answer "
  done
done
if [ "$seen" != "yes no yes yes " ]; then echo "not as stated any more"; exit 1; fi
