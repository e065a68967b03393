#!/usr/bin/env bash
# istio.io/client-go v1.32.0 and sigs.k8s.io/gateway-api v1.5.1 (their own fake clients): a Gateway that a test begins with is nowhere.
#
# Both modules bring a fake clientset for unit tests of controllers, which is handed the objects that the cluster is to have. The
# store behind it guesses the plural of a kind from its last letter: a kind that ends with "y" becomes "ies", and so Gateways,
# of Istio and of the Gateway API alike, are kept as "gatewaies", where no method of the client ever looks. There is no
# error. VirtualServices, ServiceEntries and HTTPRoutes are found. A controller under test sees no Gateway and does nothing, so
# that "it leaves this Gateway alone" and "no error" pass whatever it does; creating the Gateway, which should be refused
# because it is there, works, and what was created that way is found. (kubernetes/kubernetes#116253.)
#
# Seen on 2026-12-01 (objects given to NewSimpleClientset; what List and Get of the same client say, then Create):
#   Gateway of Istio:          listed 0, get: not found   create: <nil>           listed then: 1
#   VirtualService:            listed 1, get: <nil>       create: already exists  listed then: 1
#   ServiceEntry:              listed 1, get: <nil>       create: already exists  listed then: 1
#   Gateway of Kubernetes:     listed 0, get: not found   create: <nil>           listed then: 1
#   HTTPRoute:                 listed 1, get: <nil>       create: already exists  listed then: 1
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

	istio "istio.io/client-go/pkg/apis/networking/v1"
	istiofake "istio.io/client-go/pkg/clientset/versioned/fake"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	gatewayfake "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned/fake"
)

type client[Object, List any] interface {
	Get(context.Context, string, meta.GetOptions) (Object, error)
	List(context.Context, meta.ListOptions) (List, error)
	Create(context.Context, Object, meta.CreateOptions) (Object, error)
}

func short(err error) string {
	switch {
	case errors.IsNotFound(err):
		return "not found"
	case errors.IsAlreadyExists(err):
		return "already exists"
	}
	return fmt.Sprint(err)
}

func ask[Object, List any](title string, of client[Object, List], given Object, count func(List) int) {
	ctx := context.Background()
	listed := func() int {
		all, err := of.List(ctx, meta.ListOptions{})
		if err != nil {
			panic(err)
		}
		return count(all)
	}
	before := listed()
	_, got := of.Get(ctx, "shop", meta.GetOptions{})
	_, created := of.Create(ctx, given, meta.CreateOptions{})
	fmt.Printf("%s: listed %d, get: %s, create: %s, listed then: %d\n", title, before, short(got), short(created), listed())
}

func main() {
	named := meta.ObjectMeta{Name: "shop", Namespace: "shop"}
	way, service, entry := &istio.Gateway{ObjectMeta: named}, &istio.VirtualService{ObjectMeta: named}, &istio.ServiceEntry{ObjectMeta: named}
	mesh := istiofake.NewSimpleClientset(way, service, entry).NetworkingV1()
	ask("Gateway of Istio", mesh.Gateways("shop"), way, func(all *istio.GatewayList) int { return len(all.Items) })
	ask("VirtualService", mesh.VirtualServices("shop"), service, func(all *istio.VirtualServiceList) int { return len(all.Items) })
	ask("ServiceEntry", mesh.ServiceEntries("shop"), entry, func(all *istio.ServiceEntryList) int { return len(all.Items) })
	other, route := &gateway.Gateway{ObjectMeta: named}, &gateway.HTTPRoute{ObjectMeta: named}
	cluster := gatewayfake.NewSimpleClientset(other, route).GatewayV1()
	ask("Gateway of Kubernetes", cluster.Gateways("shop"), other, func(all *gateway.GatewayList) int { return len(all.Items) })
	ask("HTTPRoute", cluster.HTTPRoutes("shop"), route, func(all *gateway.HTTPRouteList) int { return len(all.Items) })
}
GO
go mod init ask 2>/dev/null
go get istio.io/client-go@v1.32.0 sigs.k8s.io/gateway-api@v1.5.1 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
seen=$(timeout 60 ./ask)
echo "$seen"
stated='Gateway of Istio: listed 0, get: not found, create: <nil>, listed then: 1
VirtualService: listed 1, get: <nil>, create: already exists, listed then: 1
ServiceEntry: listed 1, get: <nil>, create: already exists, listed then: 1
Gateway of Kubernetes: listed 0, get: not found, create: <nil>, listed then: 1
HTTPRoute: listed 1, get: <nil>, create: already exists, listed then: 1'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
