"""What the engine put into the machine's network goes, and what others put there stays."""

import json
import subprocess
from pathlib import Path

import pytest
from airgap import network
from airgap.step import Lab

BEFORE = ["-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-A FORWARD -s 192.0.2.0/24 -j ACCEPT"]
NOW = [
    "-P INPUT ACCEPT",
    "-P FORWARD DROP",
    "-N DOCKER",
    "-N DOCKER-USER",
    "-N OTHERS",
    "-A FORWARD -s 192.0.2.0/24 -j ACCEPT",
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -o br-0123456789ab -j DOCKER",
    "-A FORWARD -s 10.214.0.0/24 -j ACCEPT",
    "-A FORWARD -j OTHERS",
    "-A DOCKER-USER -j RETURN",
]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    called: list[str] = []
    monkeypatch.setattr(network, "_rules", lambda table: NOW if table == "filter" else [])
    monkeypatch.setattr(network, "_bridges", lambda: ["br-0123456789ab", "docker0", "br-older", "cni0"])
    monkeypatch.setattr(subprocess, "run", lambda argv, **_: called.append(" ".join(argv)))
    return called


def test_only_the_engines_own_network_changes_are_removed(tmp_path: Path, commands: list[str]) -> None:
    notes = {"rules": {"filter": BEFORE, "nat": []}, "bridges": ["br-older"], "switches": {}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "network.json").write_text(json.dumps(notes))
    network.restore(Lab(tmp_path))
    filtered = "iptables -w -t filter"
    assert commands == [
        "ip link delete br-0123456789ab",
        "ip link delete docker0",
        f"{filtered} -D FORWARD -j DOCKER-USER",
        f"{filtered} -D FORWARD -o br-0123456789ab -j DOCKER",
        f"{filtered} -D FORWARD -s 10.214.0.0/24 -j ACCEPT",
        f"{filtered} -F DOCKER",
        f"{filtered} -F DOCKER-USER",
        f"{filtered} -X DOCKER",
        f"{filtered} -X DOCKER-USER",
        f"{filtered} -P INPUT ACCEPT",
        f"{filtered} -P FORWARD ACCEPT",
    ]


def test_without_notes_nothing_is_changed(tmp_path: Path, commands: list[str]) -> None:
    network.restore(Lab(tmp_path))
    assert commands == []
