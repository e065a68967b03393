#!/usr/bin/env bash
# pytest-kubernetes 0.9.0: `--k8s-provider-config FILE` ends every run, since an option that nobody gave is in its way.
#
# The option is documented for a provider's own settings, such as a kind cluster of three nodes. It excludes
# --k8s-cluster-name, and that one has a default, which is held for given: pytest ends with a usage error before a test
# is collected, in a folder whose tests want no cluster too. It works beside an empty name: --k8s-cluster-name ''.
#
# Seen on 2026-11-29:
#   --k8s-provider-config kind.yaml: exit code 4, Cannot specify both --k8s-cluster-name and --k8s-provider-config
#   the same with --k8s-cluster-name '': exit code 0, 1 passed
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest-kubernetes==0.9.0 pytest==9.0.3
printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{role: control-plane}, {role: worker}]\n' >kind.yaml
printf 'def test_nothing():\n    pass\n' >test_nothing.py
# No cluster is made here: pytest only wants the program to be there.
mkdir bin
printf '#!/bin/sh\nexit 9\n' >bin/kind
chmod +x bin/kind

run() {
  code=0
  PATH=$dir/bin:$PATH venv/bin/pytest -q -p no:cacheprovider --k8s-provider kind --k8s-provider-config kind.yaml "$@" >out 2>&1 || code=$?
}
run
said=$(grep -o 'Cannot specify both.*' out || true)
first=$code
echo "--k8s-provider-config kind.yaml: exit code $first, $said"
run --k8s-cluster-name ''
echo "the same with --k8s-cluster-name '': exit code $code, $(grep -o '1 passed' out || true)"
if [ "$first $code $said" != "4 0 Cannot specify both --k8s-cluster-name and --k8s-provider-config" ]; then
  echo "not as stated any more"
  exit 1
fi
