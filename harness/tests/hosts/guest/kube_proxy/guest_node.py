"""The guest as a node: kube-proxy runs there, its API server on this machine, and a program asks the Services."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[3] / "kube" / "apiserver")]

import pytest
from control_plane import PROXY, ControlPlane
from guest_machine import Guest
from guest_pods import CLIENT, HTTP_PORT, NODE, POD_RANGE, PODS, SERVICES, endpoints
from in_kernel import SHOWN, behind
from meshproof.border.facts.installation import Balance
from meshproof.targets.istio.inspection import balance

API_PORT = 6443
UNIT, LOG = "kube-proxy", "/run/kube-proxy.log"
MODE_PORT = 10249
# Emulated, and beside other work: a start takes half a minute at best, and minutes at a load of ten.
WAIT_SECONDS = 900
LOOK_SECONDS = 1.0
# One process for all: software emulation takes seconds to start one.
ASK = """
import http.client, json, sys
def answer():
    connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()
print(json.dumps([answer() for _ in range(int(sys.argv[2]))]))
"""
# As after a boot: no mode finds what another one has left.
EMPTIED = """
ipvsadm -C 2>/dev/null
ip link del kube-ipvs0 2>/dev/null
nft flush ruleset
for set in $(ipset list -n); do ipset destroy $set; done
rm -f {log}
"""


@dataclass(frozen=True, slots=True)
class Node:
    """`guest` runs its newer kernel and has a program `kube-proxy-VERSION` of each version."""

    guest: Guest
    plane: ControlPlane

    def authorize(self) -> None:
        """Give it kube-proxy's credentials, with the address at which the guest reaches the API server."""
        config = self.plane.kubeconfig(PROXY, url=f"https://127.0.0.1:{API_PORT}").read_text()
        self.guest.run(f"umask 077; cat > /root/kubeconfig <<'END'\n{config}\nEND")

    def start(self, version: str, mode: str) -> None:
        """Start it, without waiting for what comes of it; nothing of an earlier one is left."""
        self.empty()
        options = f"--kubeconfig=/root/kubeconfig --hostname-override={NODE} --cluster-cidr={POD_RANGE}"
        logged = " ".join(f"-p Standard{name}=append:{LOG}" for name in ("Output", "Error"))
        self.guest.run(
            f"systemd-run -q --unit={UNIT} {logged} /usr/local/bin/kube-proxy-{version} {options} --proxy-mode={mode}"
        )

    def stop(self) -> None:
        self.guest.run(f"systemctl stop {UNIT} 2>/dev/null; systemctl reset-failed {UNIT} 2>/dev/null; true")

    def empty(self) -> None:
        """Take away what an earlier one has put into the kernel."""
        self.guest.run(EMPTIED.format(log=LOG))

    def exit_code(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        ended = f"until systemctl is-failed -q {UNIT}; do sleep 0.5; done"
        return int(
            self.guest.run(
                f"timeout {WAIT_SECONDS} sh -c {shlex.quote(ended)} && systemctl show -P ExecMainStatus {UNIT}",
                limit=WAIT_SECONDS + 60,
            )
        )

    def log(self) -> str:
        return self.guest.run(f"cat {LOG}")

    def listed(self, mode: str, service: str) -> set[str]:
        """The pods that the kernel distributes requests for a Service to."""
        shown = self.guest.run(SHOWN[mode], check=False)
        named = {f"{address}:{HTTP_PORT}": name for name, address in PODS.items()}
        return {named[one] for one in behind(mode, shown, SERVICES[service][0], 80)}

    def distribute(self, service: str, pods: tuple[str, ...]) -> None:
        """Have the Service stand for these pods."""
        self.plane.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(endpoints(service, pods)))

    def wait_for(self, mode: str, service: str, pods: tuple[str, ...]) -> None:
        """Wait until the kernel has exactly these pods."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := self.listed(mode, service)) != set(pods):
            runs = self.guest.run(f"systemctl is-active {UNIT}", check=False)
            if runs != "active" or time.monotonic() > deadline:
                pytest.fail(f"{mode}, {runs}, has {sorted(found)} behind {service}, not {pods}\n{self.log()[-3000:]}")
            time.sleep(LOOK_SECONDS)

    def answers(self, service: str, count: int, *, from_pod: bool) -> Counter[str]:
        """Which pods answered so many requests over HTTP, each on a connection of its own; "" for no answer."""
        where = ["ip", "netns", "exec", CLIENT] if from_pod else []
        command = [*where, "python3", "-c", ASK, SERVICES[service][0], str(count)]
        return Counter(json.loads(self.guest.run(shlex.join(command), limit=600)))

    def balance(self, service: str) -> Balance:
        """What meshproof's own program says, run in a pod as it runs in a cluster."""
        address, pods = SERVICES[service]
        numbers = (balance.PORT, balance.REQUESTS, len(pods), balance.LEARNT)
        command = ["ip", "netns", "exec", CLIENT, "python3", "-c", balance.ASK, address, *map(str, numbers)]
        told = json.loads(self.guest.run(shlex.join(command), limit=600))
        return Balance(pods, balance.REQUESTS, told["answers"], told["error"])
