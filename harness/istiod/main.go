// A real istiod's meaning of manifests: JSON lines of cases in, JSON lines of configurations out, in one process.
//
// A case is {"name", "manifests": [object, ...], "mesh", "proxies": {name: {"type", "namespace", "labels", "address"}}},
// where "mesh" is a text of mesh configuration; with "autoMtls" sidecars speak mutual TLS with each other; a proxy may
// have a "locality", [region, zone, subzone]. The answer has the same name, what the CRDs' schemas or istiod's validation webhook refuse by object (such an object is left out,
// as a cluster has it), and each proxy's clusters, endpoints, listeners and routes as Envoy's JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	networking "istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	crdvalidation "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gatewayapi"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/config/schema/resource"
	kubelib "istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/slices"
	"istio.io/istio/pkg/test"
)

type proxy struct {
	Type      string            `json:"type"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Address   string            `json:"address"`
	Locality  []string          `json:"locality"`
}

type one struct {
	Name      string            `json:"name"`
	Manifests []json.RawMessage `json:"manifests"`
	Mesh      string            `json:"mesh"`
	// Whether sidecars speak mutual TLS with each other by themselves, as they do by Istio's default.
	AutoMtls bool             `json:"autoMtls"`
	Proxies  map[string]proxy `json:"proxies"`
}

type resources struct {
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
}

type answer struct {
	Name    string               `json:"name"`
	Failed  string               `json:"failed,omitempty"`
	Refused map[string]string    `json:"refused,omitempty"`
	Proxies map[string]resources `json:"proxies,omitempty"`
}

const gatewayGroup = "gateway.networking.k8s.io"

// admitted is the object as istiod's store has it, nil if istiod reads it by itself, or why the API server refuses it.
// The defaults of its schema stand in `found` then, as the API server adds them.
func admitted(found *unstructured.Unstructured, schemas *crdvalidation.Validator) (*config.Config, error) {
	kind := found.GroupVersionKind()
	schema, exists := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&kind))
	if !exists {
		return nil, nil
	}
	// It writes the defaults into what it is given.
	if err := schemas.ValidateCustomResource(found); err != nil {
		return nil, fmt.Errorf("schema: %v", err)
	}
	if kind.Group == gatewayGroup {
		// Whatever version of a kind was applied, istiod asks the API server for one of them.
		found.SetAPIVersion(schema.APIVersion())
		return nil, nil
	}
	raw, err := found.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var object crd.IstioKind
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	made, err := crd.ConvertObject(schema, &object, "cluster.local")
	if err != nil {
		return nil, err
	}
	if _, err := schema.ValidateConfig(*made); err != nil {
		return nil, fmt.Errorf("webhook: %v", err)
	}
	return made, nil
}

func messages[M proto.Message](found []M) []json.RawMessage {
	made := []json.RawMessage{}
	for _, message := range found {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
		if err != nil {
			panic(err)
		}
		made = append(made, text)
	}
	return made
}

func meshSettings(given string, autoMtls bool) (*meshconfig.MeshConfig, error) {
	settings := mesh.DefaultMeshConfig()
	if given != "" {
		changed, err := mesh.ApplyMeshConfig(given, settings)
		if err != nil {
			return nil, err
		}
		settings = changed
	}
	settings.EnableAutoMtls = wrapperspb.Bool(autoMtls)
	settings.AccessLogFile = ""
	return settings, nil
}

func configured(t test.Failer, asked one, schemas *crdvalidation.Validator) answer {
	found := answer{Name: asked.Name, Refused: map[string]string{}, Proxies: map[string]resources{}}
	var configs []config.Config
	var kubernetes []runtime.Object
	decode := kubelib.IstioCodec.UniversalDeserializer().Decode
	for at, raw := range asked.Manifests {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%d %s %s/%s", at, object.GetKind(), object.GetNamespace(), object.GetName())
		made, err := admitted(object, schemas)
		if err != nil {
			found.Refused[key] = err.Error()
			continue
		}
		if made != nil {
			configs = append(configs, *made)
			// Routes of the Gateway API that belong to ServiceEntries find them at the API server.
			if object.GetKind() != gvk.ServiceEntry.Kind {
				continue
			}
		}
		defaulted, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		native, _, err := decode(defaulted, nil, nil)
		if err != nil {
			found.Refused[key] = "decode: " + err.Error()
			continue
		}
		kubernetes = append(kubernetes, native)
	}
	if len(asked.Proxies) == 0 {
		return found
	}
	settings, err := meshSettings(asked.Mesh, asked.AutoMtls)
	if err != nil {
		t.Fatal(err)
	}
	s := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		Configs: configs, KubernetesObjects: kubernetes, MeshConfig: settings, DebounceTime: time.Millisecond,
		DisableSecretAuthorization: true,
		// Kinds of the Gateway API that Istio's own fake of an API server does not have.
		KubeClientModifier: func(client kubelib.Client) {
			clienttest.MakeCRD(t, client, gvr.BackendTLSPolicy)
			clienttest.MakeCRD(t, client, gvr.ListenerSet)
		},
	})
	for name, wanted := range asked.Proxies {
		kind := model.SidecarProxy
		if wanted.Type == "gateway" {
			kind = model.Router
		}
		var addresses []string
		if wanted.Address != "" {
			addresses = []string{wanted.Address}
		}
		node := s.SetupProxy(&model.Proxy{
			Type:            kind,
			IPAddresses:     addresses,
			Locality:        locality(wanted.Locality),
			ConfigNamespace: wanted.Namespace,
			Labels:          wanted.Labels,
			Metadata: &model.NodeMetadata{
				Namespace: wanted.Namespace, Labels: wanted.Labels, IstioVersion: "1.31.0", ClusterID: "Kubernetes",
			},
		})
		listeners := s.Listeners(node)
		found.Proxies[name] = resources{
			Clusters:  messages(s.Clusters(node)),
			Endpoints: messages(s.Endpoints(node)),
			Listeners: messages(listeners),
			Routes:    messages(routesOf(s, node, listeners)),
		}
	}
	return found
}

// routesOf are the tables that the listeners name, each once, as Envoy asks for them: of one that is asked for twice
// istiod leaves the second empty.
func routesOf(s *xds.FakeDiscoveryServer, node *model.Proxy, listeners []*listener.Listener) []*route.RouteConfiguration {
	names := slices.FilterDuplicates(networking.ExtractRoutesFromListeners(listeners))
	built, _ := s.ConfigGen.BuildHTTPRoutes(node, &model.PushRequest{Push: s.PushContext()}, names)
	found := make([]*route.RouteConfiguration, 0, len(built))
	for _, one := range built {
		table := &route.RouteConfiguration{}
		_ = one.Resource.UnmarshalTo(table)
		found = append(found, table)
	}
	return found
}

// locality is a region, a zone and a subzone, nil where none is told.
func locality(parts []string) *core.Locality {
	if len(parts) != 3 {
		return nil
	}
	return &core.Locality{Region: parts[0], Zone: parts[1], SubZone: parts[2]}
}

func safely(asked one, schemas *crdvalidation.Validator) (found answer) {
	err := test.Wrap(func(t test.Failer) {
		defer func() {
			if trouble := recover(); trouble != nil {
				found = answer{Name: asked.Name, Failed: fmt.Sprintf("panic: %v\n%s", trouble, debug.Stack())}
			}
		}()
		found = configured(t, asked, schemas)
	})
	if err != nil {
		return answer{Name: asked.Name, Failed: err.Error()}
	}
	return found
}

func main() {
	// The API server here says no version of the Gateway API, for which all of it would be left unread.
	clear(gatewayapi.MinimumCRDVersions)
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	schemas, err := readSchemas()
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked one
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := out.Encode(safely(asked, schemas)); err != nil {
			panic(err)
		}
	}
}
