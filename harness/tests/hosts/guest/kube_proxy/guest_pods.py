"""What kube-proxy distributes to on the guest: pods (network namespaces) with real servers, and Services of them."""

from __future__ import annotations

import json
from typing import Any

from meshproof.targets.istio.inspection import balance

NODE, NODE_ADDRESS = "guest", "10.0.2.15"
PODS = {"b1": "10.244.0.11", "b2": "10.244.0.12", "b3": "10.244.0.13"}
CLIENT, CLIENT_ADDRESS = "client", "10.244.0.10"
POD_RANGE = "10.244.0.0/16"
# The Services by their addresses, and the pods behind each.
TWO, THREE = "10.96.0.102", "10.96.0.103"
SERVICES = {"two": (TWO, ("b1", "b2")), "three": (THREE, ("b1", "b2", "b3"))}
HTTP_PORT = 8080
# That of what meshproof's own check of a cluster connects to.
BALANCE_PORT = 9090
SERVE = f"""
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = socket.gethostname().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", {HTTP_PORT}), Handler).serve_forever()
"""
POD = """
pod() {
  ip netns add $1
  ip link add v-$1 type veth peer name eth0 netns $1
  ip addr add 10.244.0.1/32 dev v-$1
  ip link set v-$1 up
  ip -n $1 addr add $2/32 dev eth0
  ip -n $1 link set eth0 up
  ip -n $1 link set lo up
  ip -n $1 route add 10.244.0.1 dev eth0 scope link
  ip -n $1 route add default via 10.244.0.1
  ip route add $2/32 dev v-$1
}
"""


def script() -> str:
    """A shell script that makes the pods and starts a server in each; every pod has its name as its host's."""
    lines = ["set -e", "sysctl -qw net.ipv4.ip_forward=1", "ip route replace default via 10.0.2.2", POD]
    lines += [f"pod {CLIENT} {CLIENT_ADDRESS}", *(f"pod {name} {address}" for name, address in PODS.items())]
    for file, text in (("serve", SERVE), ("balance", balance.SERVE.replace(str(balance.PORT), str(BALANCE_PORT)))):
        lines.append(f"cat > /root/{file}.py <<'END'\n{text}END")
        lines += [
            f"systemd-run -q --unit={file}-{name} ip netns exec {name} unshare --uts"
            f" sh -c 'hostname {name}; exec python3 /root/{file}.py'"
            for name in PODS
        ]
    # A server that listens is there.
    lines += [
        f"timeout 300 sh -c 'until ip netns exec {CLIENT} curl -s -o /dev/null http://{address}:{HTTP_PORT}"
        f" && ip netns exec {name} ss -ltn | grep -q :{BALANCE_PORT}; do sleep 0.2; done'"
        for name, address in PODS.items()
    ]
    return "\n".join(lines)


def objects() -> str:
    """The node and the Services, each with an EndpointSlice of its pods."""
    items: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}]
    for name, (address, pods) in SERVICES.items():
        ports = [
            {"name": "http", "port": 80, "targetPort": HTTP_PORT},
            {"name": "balance", "port": balance.PORT, "targetPort": BALANCE_PORT},
        ]
        spec = {"clusterIP": address, "ports": ports}
        items.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
        items.append(endpoints(name, pods))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def endpoints(service: str, pods: tuple[str, ...]) -> dict[str, Any]:
    """The EndpointSlice of a Service with these pods."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": HTTP_PORT}, {"name": "balance", "port": BALANCE_PORT}],
        "endpoints": [{"addresses": [PODS[pod]], "nodeName": NODE, "conditions": {"ready": True}} for pod in pods],
    }
