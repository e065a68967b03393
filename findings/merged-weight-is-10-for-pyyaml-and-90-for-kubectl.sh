#!/usr/bin/env bash
# PyYAML 6.0.4 and sigs.k8s.io/yaml v1.6.0 (kubectl's): a merge key that stands last wins, for kubectl alone.
#
# YAML's merge key fills in what a mapping does not say itself: a key that is written always wins,
# wherever it stands. PyYAML does so. In the reader of kubectl and of the API machinery the merge is
# carried out where it stands: what comes before `<<` is *replaced* by it, what comes after replaces it.
# So one file is a 10 percent canary for a linter in Python and a 90 percent canary in the cluster.
#
# Seen on 2026-11-29 for {weight: 10, <<: {weight: 90}}:
#   PyYAML 10, kubectl's reader 90; with the merge key written first both say 10
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyYAML==6.0.4
cat >route.yaml <<'YAML'
last: {host: shop, weight: 10, <<: {weight: 90}}
first: {<<: {weight: 90}, host: shop, weight: 10}
YAML
cat >read.py <<'PY'
import json, yaml

print(json.dumps(yaml.safe_load(open("route.yaml")), sort_keys=True, separators=(",", ":")))
PY

mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(json))
}
GO
cd reader
go mod init reader 2>/dev/null
go get sigs.k8s.io/yaml@v1.6.0 2>/dev/null
go build -o ../reader.out .
cd ..
python=$(venv/bin/python read.py) kubectl=$(./reader.out route.yaml)
echo "PyYAML:           $python"
echo "kubectl's reader: $kubectl"
first='{"first":{"host":"shop","weight":10},"last":{"host":"shop","weight":'
if [ "$python" != "${first}10}}" ] || [ "$kubectl" != "${first}90}}" ]; then echo "not as stated any more"; exit 1; fi
