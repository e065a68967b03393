#!/usr/bin/env bash
# controller-runtime v0.25.2 and client-go v0.37.2 (their fake clients): every object is controlled by any other one.
#
# The API server gives each object a UID and counts the generations of its spec; controllers compare both. The fakes that unit
# tests of controllers run against give neither. `metav1.IsControlledBy` compares UIDs, and "" is "": a Pod whose owner is the
# Deployment `cart` is controlled by the Deployment `shop` as well, so that a test in which one adopts, scales or deletes what is
# another's cannot fail. The generation stays 0 whatever is edited, and a status whose `observedGeneration` was never written
# is up to date for ever. Beyond that the two differ: with an old version an update is a conflict to controller-runtime's, and
# client-go's takes it; what is deleted on a dry run stays in the first, and is gone from the second.
#
# Seen on 2026-12-01 (Deployments `shop` and `cart`; a Pod that names `cart` as its controller, by what the client returned):
#   controller-runtime: controlled by cart true, by shop true; generation after an edit 0
#     update with an old version: refused, after a deletion on a dry run: there
#   client-go:          controlled by cart true, by shop true; generation after an edit 0
#     update with an old version: taken,   after a deletion on a dry run: gone
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

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	fake "k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client"
	runtimefake "sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// What a controller asks of a cluster.
type cluster interface {
	create(*apps.Deployment) (*apps.Deployment, error)
	update(*apps.Deployment) (*apps.Deployment, error)
	tryDelete(string) error
	get(string) (*apps.Deployment, error)
}

type ofRuntime struct{ client.Client }

func (of ofRuntime) create(made *apps.Deployment) (*apps.Deployment, error) {
	return made, of.Create(context.Background(), made)
}

func (of ofRuntime) update(edited *apps.Deployment) (*apps.Deployment, error) {
	return edited, of.Update(context.Background(), edited)
}

func (of ofRuntime) tryDelete(name string) error {
	return of.Delete(context.Background(), &apps.Deployment{ObjectMeta: meta.ObjectMeta{Name: name, Namespace: "shop"}}, client.DryRunAll)
}

func (of ofRuntime) get(name string) (*apps.Deployment, error) {
	var found apps.Deployment
	return &found, of.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: name}, &found)
}

type ofClient struct{ *fake.Clientset }

func (of ofClient) create(made *apps.Deployment) (*apps.Deployment, error) {
	return of.AppsV1().Deployments("shop").Create(context.Background(), made, meta.CreateOptions{})
}

func (of ofClient) update(edited *apps.Deployment) (*apps.Deployment, error) {
	return of.AppsV1().Deployments("shop").Update(context.Background(), edited, meta.UpdateOptions{})
}

func (of ofClient) tryDelete(name string) error {
	return of.AppsV1().Deployments("shop").Delete(context.Background(), name, meta.DeleteOptions{DryRun: []string{meta.DryRunAll}})
}

func (of ofClient) get(name string) (*apps.Deployment, error) {
	return of.AppsV1().Deployments("shop").Get(context.Background(), name, meta.GetOptions{})
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func ask(title string, of cluster) {
	shop, err := of.create(&apps.Deployment{ObjectMeta: meta.ObjectMeta{Name: "shop", Namespace: "shop"}})
	check(err)
	cart, err := of.create(&apps.Deployment{ObjectMeta: meta.ObjectMeta{Name: "cart", Namespace: "shop"}})
	check(err)
	pod := &core.Pod{}
	pod.OwnerReferences = []meta.OwnerReference{*meta.NewControllerRef(cart, apps.SchemeGroupVersion.WithKind("Deployment"))}
	owned := fmt.Sprintf("by cart %t, by shop %t", meta.IsControlledBy(pod, cart), meta.IsControlledBy(pod, shop))

	old, err := of.get("cart")
	check(err)
	edited := old.DeepCopy()
	edited.Spec.Paused = true
	edited, err = of.update(edited)
	check(err)
	old.Spec.MinReadySeconds = 5
	answer := "taken"
	if _, err = of.update(old); errors.IsConflict(err) {
		answer = "refused"
	} else {
		check(err)
	}
	check(of.tryDelete("cart"))
	after := "there"
	if _, err = of.get("cart"); errors.IsNotFound(err) {
		after = "gone"
	} else {
		check(err)
	}
	fmt.Printf("%s: controlled %s; generation after an edit %d\n", title, owned, edited.Generation)
	fmt.Printf("  update with an old version: %s, after a deletion on a dry run: %s\n", answer, after)
}

func main() {
	ask("controller-runtime", ofRuntime{runtimefake.NewClientBuilder().Build()})
	ask("client-go", ofClient{fake.NewClientset()})
}
GO
go mod init ask 2>/dev/null
go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2 2>/dev/null
go mod tidy 2>/dev/null
go build -o ask .
seen=$(timeout 60 ./ask)
echo "$seen"
stated='controller-runtime: controlled by cart true, by shop true; generation after an edit 0
  update with an old version: refused, after a deletion on a dry run: there
client-go: controlled by cart true, by shop true; generation after an edit 0
  update with an old version: taken, after a deletion on a dry run: gone'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
