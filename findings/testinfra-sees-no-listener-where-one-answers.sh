#!/usr/bin/env bash
# pytest-testinfra 10.2.2: `host.socket("tcp://127.0.0.1:80").is_listening` is wrong where a server listens on all addresses.
#
# A server on 0.0.0.0 answers on 127.0.0.1, and testinfra means to say so: its code asks for the address that is given
# and for "all of IPv4". But that part can never be true, so the usual check of a service at its loopback address is
# False while the service answers. And one that listens for IPv6 alone is True for any address of IPv4, where
# connections are refused; the module's own example says False for `tcp://80` unless both are there.
#
# Seen on 2026-11-29 (with ss of iproute2; connects: a connection to 127.0.0.1):
#   on 127.0.0.1:   tcp://127.0.0.1 True,  tcp://0.0.0.0 False, connects True
#   on 0.0.0.0:     tcp://127.0.0.1 False, tcp://0.0.0.0 True,  connects True
#   on ::, IPv6:    tcp://127.0.0.1 True,  tcp://0.0.0.0 True,  connects False
# It listens on all addresses for a moment, as that is what it is about, and takes no connection there.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest-testinfra==10.2.2

cat >look.py <<'PY'
import socket
import testinfra

host = testinfra.get_host("local://")


def connects(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


for address in ("127.0.0.1", "0.0.0.0", "::"):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        if ":" in address:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]
        said = [host.socket(f"tcp://{asked}:{port}").is_listening for asked in ("127.0.0.1", "0.0.0.0")]
        print(f"on {address}: tcp://127.0.0.1 {said[0]}, tcp://0.0.0.0 {said[1]}, connects {connects(port)}")
PY
seen=$(timeout 60 venv/bin/python look.py)
echo "$seen"
stated="on 127.0.0.1: tcp://127.0.0.1 True, tcp://0.0.0.0 False, connects True
on 0.0.0.0: tcp://127.0.0.1 False, tcp://0.0.0.0 True, connects True
on ::: tcp://127.0.0.1 True, tcp://0.0.0.0 True, connects False"
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
