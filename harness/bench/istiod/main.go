// Processor time that a real istiod takes for one sidecar's whole configuration of a folder's mesh, as JSON.
//
// Usage: istiod FILE NAMESPACE. FILE has what harness/bench/folder.py writes: Services, VirtualServices,
// DestinationRules, and Deployments, for each of whose replicas a pod and an endpoint are made up here.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	v3 "istio.io/istio/pilot/pkg/xds/v3"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pilot/test/xdstest"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/sets"
)

type deployment struct {
	Metadata metav1.ObjectMeta
	Spec     struct {
		Replicas int
		Template struct{ Metadata metav1.ObjectMeta }
	}
}

type measured struct {
	Context   float64        `json:"context"`   // seconds: what all proxies share
	Generate  float64        `json:"generate"`  // seconds: one sidecar's clusters, endpoints, listeners and routes
	Resources map[string]int `json:"resources"` // their numbers by type
}

// objects sorts documents into Istio's own, as text, and Kubernetes', with made-up pods and endpoints.
func objects(text string) (string, []runtime.Object, error) {
	var configs []string
	var found []runtime.Object
	services := map[string]*corev1.Service{}
	pods := map[string][]*corev1.Pod{}
	for _, document := range strings.Split(text, "---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return "", nil, err
		}
		switch kind.Kind {
		case "Service":
			one := &corev1.Service{}
			if err := yaml.Unmarshal([]byte(document), one); err != nil {
				return "", nil, err
			}
			one.Spec.ClusterIP = fmt.Sprintf("10.%d.%d.%d", len(services)>>16, len(services)>>8&255, len(services)&255)
			services[one.Namespace+"/"+one.Name] = one
			found = append(found, one)
		case "Deployment":
			var one deployment
			if err := yaml.Unmarshal([]byte(document), &one); err != nil {
				return "", nil, err
			}
			labels := one.Spec.Template.Metadata.Labels
			key := one.Metadata.Namespace + "/" + labels["app"]
			for number := range max(1, one.Spec.Replicas) {
				at := len(found)
				ip := fmt.Sprintf("11.%d.%d.%d", at>>16, at>>8&255, at&255)
				pod := &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{
						Name:      fmt.Sprintf("%s-%d", one.Metadata.Name, number),
						Namespace: one.Metadata.Namespace,
						Labels:    labels,
					},
					Status: corev1.PodStatus{
						PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, Phase: corev1.PodRunning,
						Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
					},
				}
				pods[key] = append(pods[key], pod)
				found = append(found, pod)
			}
		default:
			configs = append(configs, document)
		}
	}
	for key, service := range services {
		found = append(found, endpoints(service, pods[key]))
	}
	return strings.Join(configs, "---\n"), found, nil
}

func endpoints(service *corev1.Service, pods []*corev1.Pod) *discovery.EndpointSlice {
	ready := true
	slice := &discovery.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:      service.Name,
			Namespace: service.Namespace,
			Labels:    map[string]string{discovery.LabelServiceName: service.Name},
		},
		AddressType: discovery.AddressTypeIPv4,
	}
	for _, port := range service.Spec.Ports {
		number := int32(port.TargetPort.IntValue())
		slice.Ports = append(slice.Ports, discovery.EndpointPort{Name: &port.Name, Port: &number})
	}
	for _, pod := range pods {
		slice.Endpoints = append(slice.Endpoints, discovery.Endpoint{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discovery.EndpointConditions{Ready: &ready},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace},
		})
	}
	return slice
}

// processor is the user and system time of this process so far, all threads together.
func processor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func measure(t test.Failer, text, namespace string) measured {
	documents, kubernetes, err := objects(text)
	if err != nil {
		t.Fatal(err)
	}
	configs, _, err := crd.ParseInputs(documents)
	if err != nil {
		t.Fatal(err)
	}
	for at := range configs {
		configs[at].Domain = "cluster.local" // what short host names are completed with
	}
	s := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		Configs:           configs,
		KubernetesObjects: kubernetes,
		DebounceTime:      10 * time.Millisecond,
	})
	began := processor()
	push := model.NewPushContext()
	push.InitContext(s.Env(), nil, nil)
	shared := processor() - began
	s.Env().SetPushContext(push)
	proxy := s.SetupProxy(&model.Proxy{
		ConfigNamespace: namespace,
		Labels:          map[string]string{"app": "client"},
		Metadata:        &model.NodeMetadata{Namespace: namespace, Labels: map[string]string{"app": "client"}},
	})
	request := &model.PushRequest{Push: push, Forced: true, Start: time.Now()}
	counts := map[string]int{}
	names := map[string]sets.String{
		v3.EndpointType: sets.New(xdstest.ExtractEdsClusterNames(s.Clusters(proxy))...),
		v3.RouteType:    sets.New(xdstest.ExtractRoutesFromListeners(s.Listeners(proxy))...),
	}
	s.Discovery.Cache.ClearAll()
	began = processor()
	for _, kind := range []string{v3.ClusterType, v3.EndpointType, v3.ListenerType, v3.RouteType} {
		watched := &model.WatchedResource{TypeUrl: kind, ResourceNames: names[kind]}
		made, _, err := s.Discovery.Generators[kind].Generate(proxy, watched, request)
		if err != nil {
			t.Fatal(err)
		}
		counts[v3.GetShortType(kind)] = len(made)
	}
	return measured{shared.Seconds(), (processor() - began).Seconds(), counts}
}

func main() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var found measured
	if err := test.Wrap(func(t test.Failer) { found = measure(t, string(text), os.Args[2]) }); err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
