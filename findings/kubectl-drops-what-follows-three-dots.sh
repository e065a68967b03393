#!/usr/bin/env bash
# ruamel.yaml 0.19.1 and k8s.io/apimachinery v0.37.2 (kubectl's): of two documents kubectl applies one, and says nothing.
#
# `...` ends a document, and the next may begin right after it: "---" is needed where a document has directives. (YAML
# 1.2, section 9.2; PyYAML speaks 1.1 and refuses it.) kubectl cuts its files at lines of "---" alone, and its
# reader takes the first document of each piece. So a file of a canary's route and of the Service behind it, which
# a linter reads as two objects, is one in the cluster: no error, no warning, exit code 0. Nothing tells the two
# apart from a comment at the end of the file. With "---" after the dots both arrive.
#
# Seen on 2026-11-29 (the kinds of the objects that each of them reads):
#   dots alone:      ruamel.yaml VirtualService Service, kubectl's reader VirtualService
#   dots and dashes: ruamel.yaml VirtualService Service, kubectl's reader VirtualService Service
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check ruamel.yaml==0.19.1

file() {
  echo 'apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [shop], http: [{route: [{destination: {host: shop}}]}]}
...'
  if [ "$1" = dashes ]; then echo '---'; fi
  echo 'apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}'
}
cat >read.py <<'PY'
import sys
from ruamel.yaml import YAML

print(*(document["kind"] for document in YAML(typ="safe", pure=True).load_all(open(sys.argv[1]))))
PY

mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	for decoder, between := yaml.NewYAMLOrJSONDecoder(file, 4096), ""; ; between = " " {
		var object struct{ Kind string }
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			panic(err)
		}
		fmt.Print(between, object.Kind)
	}
}
GO
cd reader
go mod init reader 2>/dev/null
go get k8s.io/apimachinery@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ../reader.out .
cd ..

seen=""
for way in dots dashes; do
  file "$way" >"$way.yaml"
  python=$(timeout 60 venv/bin/python read.py "$way.yaml") kubectl=$(timeout 60 ./reader.out "$way.yaml")
  echo "$way: ruamel.yaml $python, kubectl's reader $kubectl"
  seen+="$python/$kubectl "
done
if [ "$seen" != "VirtualService Service/VirtualService VirtualService Service/VirtualService Service " ]; then echo "not as stated any more"; exit 1; fi
