"""What the Docker engine changes in the machine's network, remembered before and put back after."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from airgap.command import output
from airgap.step import Lab

TABLES = ("filter", "nat")
SWITCHES = ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables")


def remember(lab: Lab) -> None:
    """Write down rules, policies, bridges and switches as they are; once, before the engine starts."""
    before = {
        "rules": {table: _rules(table) for table in TABLES},
        "bridges": _bridges(),
        "switches": {switch: _switch(switch).read_text() for switch in SWITCHES if _switch(switch).exists()},
    }
    _notes(lab).write_text(json.dumps(before, indent=1))


def restore(lab: Lab) -> None:
    """Remove what was added since: rules, chains, bridges; restore policies and switches."""
    try:
        before = json.loads(_notes(lab).read_text())
    except FileNotFoundError:
        return
    for bridge in _bridges():
        if bridge not in before["bridges"] and bridge.startswith(("docker", "br-")):
            subprocess.run(["ip", "link", "delete", bridge], capture_output=True)
    for table in TABLES:
        _restore_table(table, before["rules"][table])
    for switch, value in before["switches"].items():
        _switch(switch).write_text(value)


def _restore_table(table: str, before: list[str]) -> None:
    chains = [rule.split()[1] for rule in _rules(table) if rule.startswith("-N DOCKER") and rule not in before]
    for rule in _rules(table):
        # Others' rules that were added meanwhile stay: only rules that name the engine's chains or bridges are removed.
        words = rule.split()
        if words[0] == "-A" and rule not in before and words[1] not in chains and _of_docker(words, chains):
            subprocess.run(["iptables", "-w", "-t", table, "-D", *words[1:]], capture_output=True)
    for action in ("-F", "-X"):
        for chain in chains:
            subprocess.run(["iptables", "-w", "-t", table, action, chain], capture_output=True)
    for rule in before:
        if rule.startswith("-P "):
            subprocess.run(["iptables", "-w", "-t", table, *rule.split()], capture_output=True)


def _of_docker(words: list[str], chains: list[str]) -> bool:
    return any(word in chains or word == "docker0" or word.startswith(("br-", "10.213.", "10.214.")) for word in words)


def _rules(table: str) -> list[str]:
    return output(["iptables", "-w", "-t", table, "-S"], seconds=30).splitlines()


def _bridges() -> list[str]:
    reported = output(["ip", "-brief", "link", "show", "type", "bridge"], seconds=10)
    return [line.split()[0] for line in reported.splitlines()]


def _switch(name: str) -> Path:
    return Path("/proc/sys") / name


def _notes(lab: Lab) -> Path:
    return lab.run / "network.json"
