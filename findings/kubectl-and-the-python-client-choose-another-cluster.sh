#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python) and k8s.io/client-go v0.37.2 (kubectl's own code): one KUBECONFIG, two clusters.
#
# Where KUBECONFIG lists several files, the first that names a current context decides for kubectl, as for everything
# else that several files say. The Python client does the same for clusters, users and contexts; of the current context
# it keeps the last. So whoever puts the kubeconfig of a test cluster in front of their own sees the test cluster with
# kubectl, and a program in Python that names no context works on the other one, without a word.
#
# Seen on 2026-11-30:
#   KUBECONFIG=test:own  kubectl: test https://test.example:6443  Python: own https://own.example:6443
#   KUBECONFIG=own:test  kubectl: own https://own.example:6443    Python: test https://test.example:6443
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check kubernetes==37.0.2
mkdir ask
cd ask
cat >main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	merged, err := rules.Load()
	if err != nil {
		panic(err)
	}
	chosen, err := clientcmd.NewDefaultClientConfig(*merged, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		panic(err)
	}
	fmt.Println(merged.CurrentContext, chosen.Host)
}
GO
go mod init ask 2>/dev/null
go get k8s.io/client-go@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ../kubectl .
cd ..
cat >ask.py <<'PY'
from kubernetes import client, config

chosen = client.Configuration()
config.load_kube_config(client_configuration=chosen)
print(config.list_kube_config_contexts()[1]["name"], chosen.host)
PY
for name in test own; do
  cat >$name <<YAML
apiVersion: v1
kind: Config
current-context: $name
clusters: [{name: $name, cluster: {server: "https://$name.example:6443"}}]
users: [{name: $name, user: {token: of-$name}}]
contexts: [{name: $name, context: {cluster: $name, user: $name}}]
YAML
done

wrong=0
for files in test:own own:test; do
  export KUBECONFIG="$dir/${files%:*}:$dir/${files#*:}"
  go=$(timeout 60 ./kubectl) python=$(timeout 60 venv/bin/python ask.py)
  echo "KUBECONFIG=$files  kubectl: $go  Python: $python"
  [[ $go == "${files%:*} https://${files%:*}.example:6443" && $python == "${files#*:} https://${files#*:}.example:6443" ]] || wrong=1
done
if ((wrong)); then echo "not as stated any more"; exit 1; fi
