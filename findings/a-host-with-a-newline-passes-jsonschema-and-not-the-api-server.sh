#!/usr/bin/env bash
# jsonschema 4.26.0 and k8s.io/apiextensions-apiserver v0.37.2 (the API server's own code): a pattern's `$` ends in two places.
#
# A host written as a block of YAML (`- |` and the name in the next line, as templates make it) ends with a newline. The
# pattern that Gateway API's CRD has for host names ends with `$`, which is the end of the text in JSON Schema and for the
# API server, so that the object is refused. To Python's regular expressions, and so to the jsonschema library, `$` also
# stands before a newline at the end: the same schema takes the same object, and a check in CI passes what cannot be
# applied. It is so for every pattern of every CRD. check-jsonschema 0.39.0, built upon that library, has brought its own
# regular expressions along and refuses it; with `--regex-variant python` it takes it.
#
# Seen on 2026-12-01 (an HTTPRoute by the schema of gateway-api v1.5.1; errors):
#   hostnames: [shop.example.com]:  API server 0, jsonschema 0, check-jsonschema 0
#   the same name as a block:       API server 1, jsonschema 0, check-jsonschema 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check jsonschema==4.26.0 check-jsonschema==0.39.0 PyYAML==6.0.3
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	check(err)
	check(yaml.Unmarshal(text, into))
}

func main() {
	var crd v1.CustomResourceDefinition
	read(os.Args[1], &crd)
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	var internal apiextensions.JSONSchemaProps
	check(v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(schema, &internal, nil))
	validator, _, err := validation.NewSchemaValidator(&internal)
	check(err)
	for _, path := range os.Args[2:] {
		var route any
		read(path, &route)
		found := validation.ValidateCustomResource(nil, route, validator)
		fmt.Println(len(found))
	}
	text, err := json.Marshal(schema)
	check(err)
	check(os.WriteFile("schema.json", text, 0o600))
}
GO
go mod init ask 2>/dev/null
go get k8s.io/apiextensions-apiserver@v0.37.2 sigs.k8s.io/yaml@v1.6.0 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
module=$(go mod download -json sigs.k8s.io/gateway-api@v1.5.1 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
for form in plain block; do
  cat >$form.yaml <<'YAML'
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  rules: [{backendRefs: [{name: shop, port: 80}]}]
  hostnames:
YAML
done
echo '  - shop.example.com' >>plain.yaml
printf '  - |\n    shop.example.com\n' >>block.yaml

cat >count.py <<'PY'
import json
import sys

import jsonschema
import yaml

with open("schema.json") as schema, open(sys.argv[1]) as route:
    print(len(list(jsonschema.Draft202012Validator(json.load(schema)).iter_errors(yaml.safe_load(route)))))
PY
seen=$(for form in plain block; do
  server=$(timeout 60 ./ask "$module/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml" $form.yaml)
  python=$(timeout 60 venv/bin/python count.py $form.yaml)
  code=0
  timeout 60 venv/bin/check-jsonschema --schemafile schema.json $form.yaml >/dev/null || code=$?
  echo "$form: API server $server, jsonschema $python, check-jsonschema $code"
done)
echo "$seen"
stated='plain: API server 0, jsonschema 0, check-jsonschema 0
block: API server 1, jsonschema 0, check-jsonschema 1'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
