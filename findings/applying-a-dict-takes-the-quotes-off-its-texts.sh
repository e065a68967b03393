#!/usr/bin/env bash
# pytest-kubernetes 0.9.0: `k8s.apply({...})` hands kubectl other values than the dict has: "1.20" becomes 1.2, "true" a truth.
#
# A dict is written by PyYAML, which puts what is a text and looks like a number or a truth into single quotes. The
# YAML then stands between single quotes itself, in `echo '...' | kubectl apply -f -`. The shell takes both pairs for
# its own, so that kubectl reads the values without any. Labels and annotations, which have to be text, are refused
# by the API server; in fields that take anything, such as values of a custom resource, the other value is applied.
# A file (`k8s.apply(Path(...))`) arrives as it is.
#
# Seen on 2026-11-29, kubectl being a script that keeps what it is given:
#   dict: {"version": "1.20", "debug": "true", "zone": "07", "plain": "v1"}
#   read: {"debug": true, "plain": "v1", "version": 1.2, "zone": 7}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest-kubernetes==0.9.0 PyYAML==6.0.3 pytest==9.0.3
mkdir bin
printf '#!/bin/sh\nexec cat >"%s/given.yaml"\n' "$dir" >bin/kubectl
chmod +x bin/kubectl
cat >apply.py <<'PY'
import json
from pathlib import Path

import yaml
from pytest_kubernetes.providers.external import ExternalManagerBase

data = {"version": "1.20", "debug": "true", "zone": "07", "plain": "v1"}
config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}
Path("kubeconfig").write_text("{}")
cluster = ExternalManagerBase("pytest", kubeconfig=Path("kubeconfig"))
cluster.apply(config)
read = yaml.safe_load(Path("given.yaml").read_text())["data"]
print("dict:", json.dumps(data))
print("read:", json.dumps(read))
assert read == {"version": 1.2, "debug": True, "zone": 7, "plain": "v1"}
PY
if ! PATH=$dir/bin:$PATH venv/bin/python apply.py; then echo "not as stated any more"; exit 1; fi
