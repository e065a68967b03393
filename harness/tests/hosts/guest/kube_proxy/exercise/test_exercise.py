"""One exercise from a machine's kernel to a certificate: the kernel is replaced, IPVS carries kube-proxy, a mesh runs.

The machine is the guest, and kube-proxy on it is real; the mesh is the embedded one of this machine, because nothing
runs containers on the guest. Both are one run with one certificate.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from guest_host import SLOW
from guest_pods import SERVICES
from meshproof.border.facts.installation import InstallFacts
from meshproof.border.verdict import Precision
from meshproof.inspection import Inspection
from meshproof.judge.installation.kubernetes import KubeProxyMode, ServiceBalances
from meshproof.report.certificate.files import YAML
from meshproof.report.run_folder import RunFolder, choose, new_run_id
from meshproof.report.terminal.terminal import Terminal
from meshproof.run.discover import Found, discover, select
from meshproof.run.intents.scenario import prepare_scenario
from meshproof.run.options import Options
from meshproof.run.provenance.gather import of_scenarios
from meshproof.run.session import Session
from meshproof.scenario import Scenario
from meshproof.targets.embedded.target import EmbeddedTarget
from meshproof.targets.hosts.target import FEATURE, HostsTarget

MODE, SERVICE = "ipvs", "two"
KUBE_PROXY = "KubeProxy"
distribution = Inspection(
    name="HostServices",
    description="kube-proxy on the host runs in the mode that is expected, and a Service of its balances.",
    facts=InstallFacts,
    features={KUBE_PROXY},
    expect=[KubeProxyMode(), ServiceBalances()],
)
# What of the hosts' scenarios is about a kubelet, containers, a clock with a network or a registry, the guest has not.
HOSTS, MESH = ("HostKernel", "HostIpvs"), ("canary", "breaker", "mirror", "gateway")
NOT_ASKED = ("HostKubernetes", "HostIstio", "Installation")
COMMAND = ("tox", "-e", "exercise")
LIMIT = 3600.0
Facts = TypeVar("Facts")


class HostAndMesh(EmbeddedTarget):
    """A host that is inspected, with the kube-proxy on it, and a mesh of this machine that is driven."""

    name = "hosts (inspected), embedded (driven)"
    features = EmbeddedTarget.features | {FEATURE, KUBE_PROXY}

    def __init__(self, prepared: Any, version: str) -> None:
        super().__init__()
        self._prepared, self._version = prepared, version
        self._hosts = HostsTarget(prepared.inventory(MODE), SLOW, names=True)

    @property
    def versions(self) -> dict[str, str]:
        return {**super().versions, "kube-proxy": self._version}

    def preflight(self) -> None:
        super().preflight()
        self._hosts.preflight()

    async def up(self) -> None:
        await self._hosts.up()
        await super().up()

    async def facts(self, kind: type[Facts]) -> Facts:
        if kind is not InstallFacts:
            return await self._hosts.facts(kind)
        balance = await asyncio.to_thread(self._prepared.node.balance, SERVICE)
        return cast(Facts, await self._prepared.facts(MODE, balance))

    async def down(self) -> None:
        try:
            await super().down()
        finally:
            await self._hosts.down()


def certified(target: HostAndMesh, chosen: list[Found[Any]], folder: Path) -> dict[str, Any]:
    """The certificate of a run of these, as `meshproof certify` makes it."""
    target.preflight()
    options = Options(Precision(), timeouts=target.timeouts)
    precision = options.precision.shared(sum(isinstance(one.scenario, Scenario) for one in chosen))
    work = [
        prepare_scenario(one.scenario, one.folder, precision) if isinstance(one.scenario, Scenario) else one.scenario
        for one in chosen
    ]
    run = RunFolder(folder)
    session = Session(target, run.path, [run, Terminal(sys.stdout, sys.stderr, report=run.report)], options)
    shapes = [one.load.shape for one in work if not isinstance(one, Inspection)]

    async def carry_out() -> int:
        try:
            made_of = of_scenarios(chosen, work, target, NOT_ASKED)
            await session.open([one.name for one in work], shapes, command=COMMAND, provenance=made_of)
            await session.run_all(work)
        except BaseException as error:
            return await session.close(error)
        return await session.close()

    asyncio.run(asyncio.wait_for(carry_out(), LIMIT))
    print(f"certificate: {run.path / YAML}", flush=True)
    certificate: dict[str, Any] = yaml.safe_load((run.path / YAML).read_text())
    return certificate


def verified(certificate: Path) -> int:
    """How `meshproof verify-certificate` ends."""
    command = [sys.executable, "-c", "from meshproof.cli import main; main()", "verify-certificate", str(certificate)]
    return subprocess.run(command, cwd=certificate.parent, timeout=300, env={**os.environ, "NO_COLOR": "1"}).returncode


def test_from_the_kernel_to_the_certificate(prepared: Any, version: str, tmp_path: Path) -> None:
    node, found = prepared.node, discover()
    of_hosts = [*select(found, HOSTS), Found(distribution, Path("kube-proxy"))]
    folder = choose(new_run_id())
    node.start(version, MODE)
    try:
        for service, (_, pods) in SERVICES.items():
            node.wait_for(MODE, service, pods)
        whole = certified(HostAndMesh(prepared, version), [*of_hosts, *select(found, MESH)], folder)
    finally:
        node.stop()

    outcomes = {(one["scenario"], one["check"], one["reason"]): one["outcome"] for one in whole["results"]}
    assert {what: outcome for what, outcome in outcomes.items() if outcome != "passed"} == {}
    assert whole["headline"] == "certified", whole["summary"]
    assert {one["name"]: one["core"]["result"] for one in whole["profiles"]} == dict.fromkeys(
        ("hosts", "kube-proxy", *MESH), "success"
    )
    facts = whole["target"]["facts"]
    assert facts["host guest kernel"] == facts["node guest kernel"] == prepared.newer
    assert (facts["host guest kube-proxy"], facts["node guest kube-proxy"]) == ("ipvs", "ipvs (running)")
    assert whole["target"]["versions"]["kube-proxy"] == version
    assert verified(folder / YAML) == 0

    # Without kube-proxy there is none.
    without = certified(HostAndMesh(prepared, version), of_hosts[-1:], tmp_path / "without")
    assert without["headline"] == "not certified"
    assert verified(tmp_path / "without" / YAML) != 0
