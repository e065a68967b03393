#!/usr/bin/env bash
# istio.io/api v1.32.0 and its own CRD (apiextensions-apiserver v0.37.2): `per_try_timeout` is two seconds, and then nothing.
#
# Fields of Istio's API have two names, `perTryTimeout` and that of the protocol buffer, `per_try_timeout`. The Go types
# that Istio and tools around it read manifests with take both, as protocol buffers in JSON do. The schema that the API
# server has of the same module knows the first alone, and what a schema does not know is taken out before the object is
# stored. So a retry limit and `ignore_uri_case` pass a validator in CI and are in force nowhere. kubectl asks for
# strict validation and is refused; who applies otherwise (a client library, most controllers) gets a warning at most.
#
# Seen on 2026-11-29 (for both spellings; what the types read, what the API server's own code keeps):
#   perTryTimeout:   types: limit 2s, ignored case true; kept: {"attempts":2,"perTryTimeout":"2s"}, ignored case true
#   per_try_timeout: types: limit 2s, ignored case true; kept: {"attempts":2}, ignored case <nil>
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"istio.io/api/networking/v1alpha3"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// The schema of VirtualServices of networking.istio.io/v1, from the module's file of CRDs.
func virtualService(path string) *schema.Structural {
	file, err := os.Open(path)
	check(err)
	for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		var crd v1.CustomResourceDefinition
		check(decoder.Decode(&crd))
		for _, version := range crd.Spec.Versions {
			if crd.Spec.Names.Kind == "VirtualService" && version.Name == "v1" {
				var internal apiextensions.JSONSchemaProps
				check(v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &internal, nil))
				made, err := schema.NewStructural(&internal)
				check(err)
				return made
			}
		}
	}
}

func main() {
	known := virtualService(os.Args[1])
	for _, names := range [][]string{{"perTryTimeout", "ignoreUriCase"}, {"per_try_timeout", "ignore_uri_case"}} {
		spec := fmt.Sprintf(`{"hosts": ["shop"], "http": [{"match": [{"uri": {"prefix": "/a"}, %q: true}],
			"retries": {"attempts": 2, %q: "2s"}, "route": [{"destination": {"host": "shop"}}]}]}`, names[1], names[0])
		var typed v1alpha3.VirtualService
		check(protojson.Unmarshal([]byte(spec), &typed))
		read := typed.Http[0]
		fmt.Printf("%s: types: limit %s, ignored case %v; ", names[0], read.Retries.PerTryTimeout.AsDuration(), read.Match[0].IgnoreUriCase)
		object := map[string]any{"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": map[string]any{"name": "shop"}}
		var plain any
		check(json.Unmarshal([]byte(spec), &plain))
		object["spec"] = plain
		pruning.Prune(object, known, true)
		rule := object["spec"].(map[string]any)["http"].([]any)[0].(map[string]any)
		retries, err := json.Marshal(rule["retries"])
		check(err)
		fmt.Printf("kept: %s, ignored case %v\n", retries, rule["match"].([]any)[0].(map[string]any)[names[1]])
	}
}
GO
go mod init ask 2>/dev/null
go get istio.io/api@v1.32.0 k8s.io/apiextensions-apiserver@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
module=$(go list -m -f '{{.Dir}}' istio.io/api)
seen=$(timeout 60 ./ask "$module/kubernetes/customresourcedefinitions.gen.yaml")
echo "$seen"
stated='perTryTimeout: types: limit 2s, ignored case true; kept: {"attempts":2,"perTryTimeout":"2s"}, ignored case true
per_try_timeout: types: limit 2s, ignored case true; kept: {"attempts":2}, ignored case <nil>'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
