"""The guest on its newer kernel as a node of a control plane that runs on this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from guest_node import API_PORT, MODE_PORT, Node
from guest_pods import NODE, NODE_ADDRESS, objects, script
from meshproof.border.facts.installation import Balance, InstallFacts, NodeFact, Specified
from meshproof.targets.istio.inspection import kube_proxy

# guest_node has put their folders on the path.
from control_plane import programs, running  # isort: skip
from guest_host import Runs, inventory  # isort: skip
from guest_image import Image  # isort: skip
from guest_machine import Guest  # isort: skip
from kubernetes_programs import cache  # isort: skip

MODULES = "[ip_vs, ip_vs_rr, nf_conntrack]"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A node, the port of this machine that leads to its kube-proxy, and where inventories of it are written."""

    node: Node
    mode_port: int
    folder: Path
    kernel: str
    newer: str

    def inventory(self, mode: str) -> Path:
        return inventory(
            self.node.guest,
            self.folder,
            f"{{distribution: debian, kernel: '{self.newer}', modules: {MODULES}, proxyMode: {mode}}}",
        )

    async def facts(self, wanted: str, balance: Balance | None = None) -> InstallFacts:
        """The mode as meshproof reads it from kube-proxy, which is reached through ssh; nothing else of a cluster."""
        _, mode = await kube_proxy.fetch(self.mode_port, "/proxyMode", 60.0)
        node = NodeFact(NODE, ready=True, kernel=self.kernel, kubelet="", kube_proxy=mode, mode_from="running")
        return InstallFacts(Specified(kube_proxy=wanted), "", "", "", (node,), None, None, None, balance, None, None)


@pytest.fixture(scope="session")
def kube_proxies() -> dict[str, Path]:
    """The program of each version; skips without any, or without what an API server needs."""
    programs()
    found = {path.parent.name.removeprefix("kubernetes-"): path for path in cache().glob("kubernetes-*/kube-proxy")}
    if len(found) < 2:
        pytest.skip("kube-proxy of two releases is needed: `tox -e kube-proxy` builds them and runs this")
    return found


@pytest.fixture
def version(kube_proxies: dict[str, Path], request: pytest.FixtureRequest) -> str:
    """`older` or `newer`: before IPVS was deprecated, or since; the newer one where nothing is asked for."""
    ordered = sorted(kube_proxies, key=lambda one: [int(number) for number in one.split(".")])
    return {"older": ordered[0], "newer": ordered[-1]}[getattr(request, "param", "newer")]


@pytest.fixture(scope="module")
def prepared(
    kube_proxies: dict[str, Path], guest: Guest, guest_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prepared]:
    """The newer kernel by `hosts prepare`; pods, Services and programs; no kube-proxy runs yet."""
    folder = tmp_path_factory.mktemp("node")
    path = inventory(guest, folder, f"{{kernel: '{guest_image.newer}', modules: {MODULES}, disk: {{/boot: 1Mi}}}}")
    Runs(path, folder).prepare(allow_reboot=True)
    guest.hang_up()
    assert guest.run("uname -r") == guest_image.newer
    with _node(guest, kube_proxies) as (node, mode_port):
        yield Prepared(node, mode_port, folder, guest_image.newer, guest_image.newer)


@pytest.fixture(scope="module")
def unprepared(
    kube_proxies: dict[str, Path], guest: Guest, guest_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prepared]:
    """The same on the older kernel, where the newer one is expected."""
    assert guest.run("uname -r") == guest_image.older
    with _node(guest, kube_proxies) as (node, mode_port):
        yield Prepared(node, mode_port, tmp_path_factory.mktemp("node"), guest_image.older, guest_image.newer)


@contextlib.contextmanager
def _node(guest: Guest, kube_proxies: dict[str, Path]) -> Iterator[tuple[Node, int]]:
    """The guest as a node of a control plane, and the port that leads to its kube-proxy's page."""
    with running() as plane, _forwarded(guest, plane.url) as mode_port:
        node = Node(guest, plane)
        node.authorize()
        for version, program in kube_proxies.items():
            _copied(guest, program, f"/usr/local/bin/kube-proxy-{version}")
        plane.kubectl("apply", "--validate=false", "-f", "-", stdin=objects())
        address = f'{{"status":{{"addresses":[{{"type":"InternalIP","address":"{NODE_ADDRESS}"}}]}}}}'
        plane.kubectl("patch", "node", NODE, "--subresource=status", "-p", address)
        guest.run(script())
        yield node, mode_port


@contextlib.contextmanager
def _forwarded(guest: Guest, url: str) -> Iterator[int]:
    """The API server at a port of the guest, and kube-proxy's page at a port of this machine: that port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    *ssh, place = guest.ssh()
    there = f"127.0.0.1:{API_PORT}:{url.removeprefix('https://')}"
    here = f"127.0.0.1:{port}:127.0.0.1:{MODE_PORT}"
    command = [*ssh, "-N", "-o", "ExitOnForwardFailure=yes", "-R", there, "-L", here, place]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        guest.run(f"timeout 300 sh -c 'until ss -ltn | grep -q 127.0.0.1:{API_PORT}; do sleep 0.2; done'")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _copied(guest: Guest, program: Path, place: str) -> None:
    with program.open("rb") as data:
        command = [*guest.ssh(shared=True), f"cat > {place} && chmod 755 {place}"]
        subprocess.run(command, stdin=data, check=True, timeout=1200)
