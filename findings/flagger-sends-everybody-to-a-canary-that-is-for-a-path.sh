#!/usr/bin/env bash
# github.com/fluxcd/flagger v1.36.1 (its routers for Istio and for the Gateway API): a canary that is for requests under /beta gets all of them.
#
# For an A/B test `analysis.match` says which requests are the canary's, in the very type that `service.match` has: path, method,
# authority, headers and more. Of these only headers and sourceLabels are taken (and query parameters, by the Gateway API)
# as soon as `service.match` says anything, as a path "/" does. A condition of another kind is dropped without a word, and what is left of
# the canary's match is the service's own: every request goes to the version under test, while the analysis reports an A/B
# test that runs. Headers are taken in the place of the service's, and not beside them: the canary gets requests that had not
# been the service's at all. By the Gateway API a path is dropped even where `service.match` is empty.
#
# Seen on 2026-12-01 (what the canary's rule asks for while the test runs):
#   service path /,    test path /beta:    Istio: path /         Gateway API: path /
#   service path /,    test method POST:   Istio: path /         Gateway API: path /
#   service nothing,   test path /beta:    Istio: path /beta     Gateway API: path /
#   service x-tenant a, test x-beta yes:   Istio: x-beta yes     Gateway API: x-beta yes
# The first run fetches and compiles the modules, which takes some minutes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"sort"
	"strings"

	canaries "github.com/fluxcd/flagger/pkg/apis/flagger/v1beta1"
	gateway "github.com/fluxcd/flagger/pkg/apis/gatewayapi/v1beta1"
	text "github.com/fluxcd/flagger/pkg/apis/istio/common/v1alpha1"
	istio "github.com/fluxcd/flagger/pkg/apis/istio/v1alpha3"
	"github.com/fluxcd/flagger/pkg/client/clientset/versioned/fake"
	"github.com/fluxcd/flagger/pkg/router"
	"go.uber.org/zap"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubernetes "k8s.io/client-go/kubernetes/fake"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// rules lets a router write the rules of a test that runs, and says what each rule for the canary asks for.
func rules(provider string, service, test []istio.HTTPMatchRequest) string {
	canary := &canaries.Canary{ObjectMeta: meta.ObjectMeta{Name: "shop", Namespace: "shop"}}
	canary.Spec.TargetRef.Name = "shop"
	canary.Spec.Service = canaries.CanaryService{Port: 80, Hosts: []string{"shop.example.test"}, Match: service}
	canary.Spec.Service.GatewayRefs = []gateway.ParentReference{{Name: "edge"}}
	canary.Spec.Analysis = &canaries.CanaryAnalysis{Iterations: 10, Match: test}
	client := fake.NewSimpleClientset()
	mesh := router.NewFactory(nil, kubernetes.NewSimpleClientset(), client, "", "", zap.NewNop().Sugar(), client, false).MeshRouter(provider, "app")
	must(mesh.Reconcile(canary))
	must(mesh.SetRoutes(canary, 0, 100, false))
	var found []string
	if provider == "istio" {
		written, err := client.NetworkingV1alpha3().VirtualServices("shop").Get(context.Background(), "shop", meta.GetOptions{})
		must(err)
		for _, match := range written.Spec.Http[0].Match {
			if match.Uri != nil {
				found = append(found, "path "+match.Uri.Prefix)
			}
			if match.Method != nil {
				found = append(found, "method "+match.Method.Exact)
			}
			for name, value := range match.Headers {
				found = append(found, name+" "+value.Exact)
			}
		}
	} else {
		written, err := client.GatewayapiV1().HTTPRoutes("shop").Get(context.Background(), "shop", meta.GetOptions{})
		must(err)
		for _, match := range written.Spec.Rules[0].Matches {
			if match.Path != nil {
				found = append(found, "path "+*match.Path.Value)
			}
			if match.Method != nil {
				found = append(found, "method "+string(*match.Method))
			}
			for _, header := range match.Headers {
				found = append(found, string(header.Name)+" "+header.Value)
			}
		}
	}
	sort.Strings(found)
	return strings.Join(found, ", ")
}

func main() {
	path := func(prefix string) istio.HTTPMatchRequest {
		return istio.HTTPMatchRequest{Uri: &text.StringMatch{Prefix: prefix}}
	}
	header := func(name, value string) istio.HTTPMatchRequest {
		return istio.HTTPMatchRequest{Headers: map[string]text.StringMatch{name: {Exact: value}}}
	}
	post := istio.HTTPMatchRequest{Method: &text.StringMatch{Exact: "POST"}}
	for _, one := range []struct {
		title         string
		service, test []istio.HTTPMatchRequest
	}{
		{"service path /, test path /beta", []istio.HTTPMatchRequest{path("/")}, []istio.HTTPMatchRequest{path("/beta")}},
		{"service path /, test method POST", []istio.HTTPMatchRequest{path("/")}, []istio.HTTPMatchRequest{post}},
		{"service nothing, test path /beta", nil, []istio.HTTPMatchRequest{path("/beta")}},
		{"service x-tenant a, test x-beta yes", []istio.HTTPMatchRequest{header("x-tenant", "a")}, []istio.HTTPMatchRequest{header("x-beta", "yes")}},
	} {
		fmt.Printf("%s: %s; %s\n", one.title, rules("istio", one.service, one.test), rules("gatewayapi:v1", one.service, one.test))
	}
}
GO
go mod init ask 2>/dev/null
go get github.com/fluxcd/flagger@v1.36.1 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
seen=$(timeout 300 ./ask)
echo "$seen"
stated='service path /, test path /beta: path /; path /
service path /, test method POST: path /; path /
service nothing, test path /beta: path /beta; path /
service x-tenant a, test x-beta yes: x-beta yes; x-beta yes'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
