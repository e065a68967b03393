"""What runs on the lab's nodes: routes between them, and addresses for load balancers."""

import json
import os
import subprocess
from pathlib import Path

from airgap.cluster import configuration
from airgap.images import NETWORK

NODES = """\
first|10.244.0.0/24|10.214.0.2
second||10.214.0.3
second|10.244.1.0/24|
second|10.244.1.0/24|10.214.0.3
third|10.244.2.0/24|10.214.0.4
"""
SERVICES = """\
default|kubernetes|ClusterIP|
istio-system|istio-ingressgateway|LoadBalancer|
istio-system|istio-ingressgateway|LoadBalancer|10.214.0.201
shop|other|LoadBalancer|10.214.0.200
"""


def run(folder: Path, script: str, *arguments: str, watched: str, listed: str = "") -> list[str]:
    """The commands that a script gives when kubectl sees `watched`, and `listed` are the addresses that are taken."""
    programs = folder / "bin"
    programs.mkdir()
    told = f'echo "${{0##*/}} $*" >>{folder}/told'
    (folder / "watched").write_text(watched)
    fakes = {
        "kubectl": f'case "$*" in *--watch*) cat {folder}/watched ;; get*) echo "{listed}" ;; *) {told} ;; esac',
        "ip": told,
        # The rule is not there yet.
        "iptables": f'case "$*" in *" -C "*) exit 1 ;; esac; {told}',
    }
    for name, body in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    env = {
        "PATH": f"{programs}:{os.defpath}",
        "NODE_NAME": "first",
        "NODE_ADDRESS": "10.214.0.2",
        "CNI_FOLDER": str(folder),
    }
    subprocess.run([NETWORK / script, *arguments], env=env, check=True, timeout=20)
    return (folder / "told").read_text().splitlines()


def test_a_node_gives_its_pods_its_own_range_and_reaches_the_others_by_their_nodes(tmp_path: Path) -> None:
    told = run(tmp_path, "routes", "10.244.0.0/16", watched=NODES)
    assert told == [
        "iptables -w -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE",
        "ip route replace 10.244.1.0/24 via 10.214.0.3",
        "ip route replace 10.244.2.0/24 via 10.214.0.4",
    ]
    bridge, _ = json.loads((tmp_path / "10-bridge.conflist").read_text())["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.0.0/24"}]]
    # With it a pod would be seen by the address of its node.
    assert "ipMasq" not in bridge


def test_a_load_balancer_gets_the_first_address_that_is_free_and_keeps_it(tmp_path: Path) -> None:
    told = run(tmp_path, "balancer", "eth0", watched=SERVICES, listed="10.214.0.200")
    (given,) = (line for line in told if line.startswith("kubectl"))
    assert "patch service istio-ingressgateway --namespace istio-system --subresource status" in given
    assert json.loads(given.partition("--patch ")[2]) == {
        "status": {"loadBalancer": {"ingress": [{"ip": "10.214.0.201"}]}}
    }
    assert [line for line in told if line.startswith("ip ")] == [
        "ip address replace 10.214.0.201/32 dev eth0",
        "ip address replace 10.214.0.201/32 dev eth0",
        "ip address replace 10.214.0.200/32 dev eth0",
    ]


def test_nodes_for_the_work_are_added_to_the_configuration() -> None:
    assert configuration("nftables", 0).count("role:") == 1
    text = configuration("nftables", 2)
    assert text.count("- role: worker") == 2
    assert "kubeProxyMode: nftables" in text
