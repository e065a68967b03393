#!/usr/bin/env bash
# github.com/argoproj/argo-rollouts v1.9.1 (its router for Istio): a step that mirrors, or that is for testers, takes requests of other services.
#
# A Rollout names the rule of a VirtualService whose weights it is to write, here that of the cart beneath /cart/; another
# rule of the same host is for the web pages. `setMirrorRoute` copies requests to the canary, `setHeaderRoute` leads those
# with a header there, and both do it by a rule of their own, which is put before all others. One would expect it to be
# the named rule with a condition more. It has the step's conditions alone, and of the named rule nothing but where that
# leads: no path, no rewrite, no timeout, no retries. So while cart's GETs are mirrored, which is to do no harm, every GET
# for a web page goes to the cart; testers get the canary for the pages too; and what is really for the cart arrives there
# with the path that the rewrite took off, without a timeout. The documentation's own example mirrors GETs of the prefix
# "/". (The router for Apisix copies the rule, and puts the condition beside.)
#
# Seen on 2026-12-01 (the VirtualService's rules in order, before and after each step):
#   before:
#     cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
#     pages: web 100
#   setMirrorRoute of GET:
#     copies: match [{method:{exact:GET}}], mirror {host:canary}, stable 100, canary 0
#     cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
#     pages: web 100
#   setHeaderRoute of x-tester:
#     testers: match [{headers:{x-tester:{exact:yes}}}], canary 100
#     cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
#     pages: web 100
# The first run fetches and compiles the modules, which takes some minutes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
# The module has replacements of its own, which count only where it is the main one.
go mod init ask 2>/dev/null
module=$(go mod download -json github.com/argoproj/argo-rollouts@v1.9.1 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp -r "$module" rollouts
chmod -R u+w rollouts
mkdir rollouts/ask
cat >rollouts/ask/main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/istio"
	"github.com/argoproj/argo-rollouts/utils/record"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

const written = `{"apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService", "metadata": {"name": "front", "namespace": "shop"},
	"spec": {"hosts": ["shop.example.test"], "http": [
		{"name": "cart", "match": [{"uri": {"prefix": "/cart/"}}], "rewrite": {"uri": "/"}, "timeout": "2s",
			"route": [{"destination": {"host": "stable"}, "weight": 100}, {"destination": {"host": "canary"}, "weight": 0}]},
		{"name": "pages", "route": [{"destination": {"host": "web"}, "weight": 100}]}]}}`

var kind = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1alpha3", Resource: "virtualservices"}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// show says what is in each rule.
func show(title string, client *fake.FakeDynamicClient) {
	object, err := client.Resource(kind).Namespace("shop").Get(context.Background(), "front", meta.GetOptions{})
	must(err)
	text, err := json.Marshal(object.Object["spec"].(map[string]any)["http"])
	must(err)
	var rules []struct {
		Name    string
		Match   any
		Rewrite any
		Timeout any
		Mirror  any
		Route   []struct {
			Destination struct{ Host string }
			Weight      int
		}
	}
	must(json.Unmarshal(text, &rules))
	fmt.Println(title)
	for _, rule := range rules {
		said := []string{}
		for _, part := range []struct {
			name  string
			value any
		}{{"match", rule.Match}, {"mirror", rule.Mirror}, {"rewrite", rule.Rewrite}, {"timeout", rule.Timeout}} {
			if part.value != nil {
				value, err := json.Marshal(part.value)
				must(err)
				said = append(said, part.name+" "+strings.ReplaceAll(string(value), `"`, ""))
			}
		}
		for _, one := range rule.Route {
			said = append(said, fmt.Sprintf("%s %d", one.Destination.Host, one.Weight))
		}
		fmt.Printf("  %s: %s\n", rule.Name, strings.Join(said, ", "))
	}
}

func main() {
	var object unstructured.Unstructured
	must(json.Unmarshal([]byte(written), &object.Object))
	lists := map[schema.GroupVersionResource]string{kind: "VirtualServiceList"}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, &object)
	rollout := &v1alpha1.Rollout{ObjectMeta: meta.ObjectMeta{Name: "cart", Namespace: "shop"}}
	rollout.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{
		CanaryService: "canary",
		StableService: "stable",
		TrafficRouting: &v1alpha1.RolloutTrafficRouting{
			ManagedRoutes: []v1alpha1.MangedRoutes{{Name: "copies"}, {Name: "testers"}},
			Istio:         &v1alpha1.IstioTrafficRouting{VirtualService: &v1alpha1.IstioVirtualService{Name: "front", Routes: []string{"cart"}}},
		},
	}
	router := istio.NewReconciler(rollout, client, record.NewFakeEventRecorder(), nil, nil, nil)
	show("before:", client)
	must(router.SetMirrorRoute(&v1alpha1.SetMirrorRoute{Name: "copies", Match: []v1alpha1.RouteMatch{{Method: &v1alpha1.StringMatch{Exact: "GET"}}}}))
	show("setMirrorRoute of GET:", client)
	must(router.SetMirrorRoute(&v1alpha1.SetMirrorRoute{Name: "copies"}))
	yes := v1alpha1.HeaderRoutingMatch{HeaderName: "x-tester", HeaderValue: &v1alpha1.StringMatch{Exact: "yes"}}
	must(router.SetHeaderRoute(&v1alpha1.SetHeaderRoute{Name: "testers", Match: []v1alpha1.HeaderRoutingMatch{yes}}))
	show("setHeaderRoute of x-tester:", client)
}
GO
cd rollouts
go build -o ask/ask ./ask
seen=$(timeout 60 ask/ask 2>log)
echo "$seen"
stated='before:
  cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
  pages: web 100
setMirrorRoute of GET:
  copies: match [{method:{exact:GET}}], mirror {host:canary}, stable 100, canary 0
  cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
  pages: web 100
setHeaderRoute of x-tester:
  testers: match [{headers:{x-tester:{exact:yes}}}], canary 100
  cart: match [{uri:{prefix:/cart/}}], rewrite {uri:/}, timeout 2s, stable 100, canary 0
  pages: web 100'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
