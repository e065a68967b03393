// Package cases runs the tests of the Gateway API's conformance suite without a cluster, and writes down what they ask for.
package cases

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/apis/v1beta1"
	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/record"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/roundtripper"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// Case is one case, with all that its test asked for; Ended says that the test came to its end.
type Case struct {
	Name      string        `json:"name"`
	Mesh      bool          `json:"mesh"`
	Features  []string      `json:"features"`
	Manifests []string      `json:"manifests"`
	Steps     []record.Step `json:"steps"`
	Ended     bool          `json:"ended"`
}

// Tests of what nothing here knows: UDP, and what stands in a cluster for a Gateway.
var alone = regexp.MustCompile("^(UDPRoute|GatewayInfrastructure|GatewayStaticAddresses|GatewayOptionalAddressValue)")

func TestCases(t *testing.T) {
	for _, one := range tests.ConformanceTests {
		if !alone.MatchString(one.ShortName) {
			write(t, one)
		}
	}
}

func write(t *testing.T, one suite.ConformanceTest) {
	t.Helper()
	record.Take()
	made := Case{Name: one.ShortName, Mesh: slices.Contains(one.Features, features.SupportMesh), Manifests: one.Manifests}
	for _, feature := range one.Features {
		made.Features = append(made.Features, string(feature))
	}
	objects := []*unstructured.Unstructured{}
	for _, file := range append([]string{"base/manifests.yaml"}, one.Manifests...) {
		objects = append(objects, read(t, file)...)
	}
	made.Ended = t.Run(one.ShortName, func(t *testing.T) {
		asked := suite.ConformanceTestSuite{
			Client: holding(t, objects), RoundTripper: nobody{t}, WebSocketDialer: nobody{t},
			GatewayClassName: "istio", ControllerName: "istio.io/gateway-controller", TimeoutConfig: config.DefaultTimeoutConfig(),
		}
		one.Test(t, &asked)
	})
	made.Steps = record.Take()
	if err := record.Write(made); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	text, err := conformance.Manifests.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	several := []*unstructured.Unstructured{}
	for _, part := range strings.Split(string(text), "\n---") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(part), &object.Object); err != nil {
			t.Fatal(file, err)
		}
		if object.GetKind() == "" {
			continue
		}
		several = append(several, object)
		if object.GetKind() == "TLSRoute" {
			hosts, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "hostnames")
			record.Hostnames[object.GetName()+"."+object.GetNamespace()] = hosts
		}
	}
	return several
}

// holding has the case's objects, and records what the test changes of them.
func holding(t *testing.T, objects []*unstructured.Unstructured) client.Client {
	kinds := scheme.Scheme
	_, _ = v1.Install(kinds), v1beta1.Install(kinds)
	build := fake.NewClientBuilder().WithScheme(kinds)
	seen := map[string]bool{}
	for _, object := range objects {
		key := object.GetKind() + object.GetNamespace() + "/" + object.GetName()
		if kinds.Recognizes(object.GroupVersionKind()) && !seen[key] {
			build = build.WithObjects(object)
		}
		seen[key] = true
	}
	changed := func(call string, object client.Object) {
		kind, _ := meta.TypeAccessor(object)
		record.Call(t, call, []string{"kind", "object"}, []any{kind.GetKind(), object})
	}
	return build.WithInterceptorFuncs(interceptor.Funcs{
		Delete: func(ctx context.Context, to client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			changed("Delete", object)
			return to.Delete(ctx, object, options...)
		},
		Patch: func(ctx context.Context, to client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			changed("Patch", object)
			return to.Patch(ctx, object, patch, options...)
		},
	}).Build()
}

// nobody answers, and records what it is asked.
type nobody struct{ t *testing.T }

func (n nobody) CaptureRoundTrip(request roundtripper.Request) (*roundtripper.CapturedRequest, *roundtripper.CapturedResponse, error) {
	record.Call(n.t, "CaptureRoundTrip", []string{"url", "host", "method", "headers"},
		[]any{request.URL.String(), request.Host, request.Method, request.Headers})
	return &roundtripper.CapturedRequest{}, &roundtripper.CapturedResponse{}, nil
}

func (n nobody) Dial(url, protocol, origin string) (*websocket.Conn, error) {
	record.Call(n.t, "Dial", []string{"url", "origin"}, []any{url, origin})
	return nil, errors.New("there is no cluster")
}
