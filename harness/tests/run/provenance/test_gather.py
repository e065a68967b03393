"""What a certificate states of a target and of what was asked: facts by name, and profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meshproof.border.facts.boot import BootFacts, NextBoot
from meshproof.border.facts.hosts import (
    BalanceFacts,
    ClockFacts,
    HostFacts,
    HostsFacts,
    ImageFacts,
    ProxyFacts,
    RegistryFacts,
    ServiceFacts,
    SystemFacts,
    ToolFacts,
)
from meshproof.border.facts.installation import InstallFacts, NodeFact, PodFact, Specified
from meshproof.border.inventory import HostExpectation
from meshproof.inspection import Inspection
from meshproof.run.discover import Found
from meshproof.run.provenance.facts import stated
from meshproof.run.provenance.gather import of_scenarios, offered
from meshproof.targets.embedded.target import EmbeddedTarget

FACTS = InstallFacts(
    specified=Specified(),
    kubernetes="v1.35.2",
    istio="1.30.4",
    istioctl="",
    nodes=(NodeFact("one", True, "6.1.0", "v1.35.2", "ipvs", "running"), NodeFact("two", True, "5.4", "v1.20")),
    pods=(PodFact("istiod-1", {"discovery": "example/pilot@sha256:12"}),),
    sidecar=None,
    definitions=None,
    balance=None,
    gateways=None,
    messages=None,
)


def test_the_facts_of_an_installation() -> None:
    assert stated(FACTS) == {
        "kubernetes": "v1.35.2",
        "istio": "1.30.4",
        "node one kernel": "6.1.0",
        "node one kubelet": "v1.35.2",
        "node one kube-proxy": "ipvs (running)",
        "node two kernel": "5.4",
        "node two kubelet": "v1.20",
        "pod istiod-1 image discovery": "example/pilot@sha256:12",
    }
    assert stated(object()) == {}


HOST = HostFacts(
    "worker-1",
    "worker",
    HostExpectation(),
    SystemFacts("debian", "12", "Debian 12", "6.12", (), 2, (), (), {}),
    BootFacts("bios", "", "", (), "", "", (), NextBoot(None, "", "")),
    (),
    BalanceFacts(),
    ClockFacts(None, "", 0.0, 0.0),
    (),
    (ServiceFacts("containerd", "active", "enabled", "1.7"),),
    ServiceFacts("kubelet", "active", "enabled", "v1.35"),
    ProxyFacts("ipvs"),
    ToolFacts(),
    RegistryFacts(200, (ImageFacts("pilot:1.30", 200, "sha256:12"),)),
)


def test_the_facts_of_hosts() -> None:
    assert stated(HostsFacts((HOST,))) == {
        "host worker-1 system": "Debian 12",
        "host worker-1 kernel": "6.12",
        "host worker-1 kubelet": "v1.35",
        "host worker-1 kube-proxy": "ipvs",
        "host worker-1 containerd": "1.7",
        "host worker-1 image pilot:1.30": "sha256:12",
    }


def named(name: str, folder: str, *features: str, thorough: bool = False) -> Found[Any]:
    return Found(Inspection(name, "", object, (), frozenset(features), thorough=thorough), Path("scenarios", folder))


FOUND = (
    named("Split", "canary", "Gateway"),
    named("Kernel", "hosts", "Hosts"),
    named("Rare", "mirror", thorough=True),
    named("Mirror", "mirror", "ProbeWorkload", "Other"),
)


def test_each_folder_of_scenarios_is_a_profile() -> None:
    made_of = of_scenarios(FOUND, [], EmbeddedTarget({}))
    assert [(one.name, one.core, one.extended) for one in made_of.profiles] == [
        ("canary", ("Split",), ()),
        ("hosts", ("Kernel",), ()),
        ("mirror", ("Mirror",), ("Rare",)),
    ]
    assert made_of.profiles[2].features == {"Rare": (), "Mirror": ("Other", "ProbeWorkload")}
    assert "Gateway" in made_of.offers
    assert made_of.platform["kernel"]


def test_profiles_that_a_target_has_nothing_for_are_not_asked_for_unless_they_are_named() -> None:
    chosen, rest = offered(FOUND, EmbeddedTarget({}))
    assert [one.scenario.name for one in chosen] == ["Split", "Rare", "Mirror"]
    assert rest == ("hosts",)
