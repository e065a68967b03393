"""`meshproof hosts check` as a user runs it, against a real sshd: exit codes, reports, and what they must not hold."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

LIMIT = 600.0
NAME = "the-host"


@pytest.fixture
def check(short):
    def call(inventory, *words):
        command = [
            sys.executable,
            "-c",
            "from meshproof.cli import main; main()",
            "hosts",
            "check",
            "-f",
            str(inventory),
            *words,
        ]
        return subprocess.run(command, cwd=short, capture_output=True, text=True, timeout=LIMIT)

    return call


def names(text):
    return [word for word in (NAME, os.uname().nodename) if word in text]


def test_a_host_is_judged_and_its_name_is_in_no_report_unless_asked_for(sshd, short, check):
    expect = f"{{kernel: '{os.uname().release.split('-')[0]}', modules: [], disk: {{/: 1Mi, /not/there: 1Mi}}}}"
    inventory = sshd.inventory(short, expect)
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(check, inventory, "HostKubernetes", "--show-names", "--no-color")
        done = check(inventory, "HostKernel", "HostKubernetes", "-o", "json", "--output", "out")
    assert f"{NAME}: there is no /not/there" in " ".join(beside.result().stdout.split())
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    found = {verdict["check"]: (verdict["outcome"], verdict["reason"]) for verdict in document["checks"]}
    assert found["RunningKernel"] == ("passed", f"worker-1: {os.uname().release} runs")
    assert found["DiskRoom"] == ("failed", "worker-1: there is no /not/there")
    assert found["ContainerRuntime"][0] == "skipped"
    for path in (short / "out").rglob("*"):
        assert names(path.read_text() if path.is_file() else "") == [], path
    assert names(done.stderr + done.stdout) == []
    assert [one.name() for one in psutil.Process().children(recursive=True) if one.name() == "ssh"] == []


def test_a_host_that_cannot_be_reached_is_no_verdict(sshd, short, check):
    inventory = sshd.inventory(short)
    inventory.write_text(inventory.read_text().replace(str(sshd.known_hosts), "/dev/null"))
    (short / "known").write_text("")
    inventory.write_text(inventory.read_text().replace("/dev/null", str(short / "known")))
    done = check(inventory, "HostKernel")
    assert done.returncode == 3
    assert "worker-1: no SSH connection" in done.stderr
    assert "Host key verification failed" in done.stderr
    assert NAME not in done.stderr + done.stdout


def test_a_mistake_in_the_inventory_has_its_location(short, check):
    (short / "hosts.yaml").write_text("hosts:\n- {name: a, role: worker, addres: b}\n")
    done = check(short / "hosts.yaml")
    assert done.returncode == 4
    assert "hosts.yaml:2:27: " in done.stderr
    assert "did you mean address?" in done.stderr


def test_a_key_file_that_is_not_there_is_reported_before_anything_is_tried(sshd, short, check):
    inventory = sshd.inventory(short)
    inventory.write_text(inventory.read_text().replace(str(sshd.key), str(Path("/no/such/key"))))
    done = check(inventory)
    assert done.returncode == 4
    assert "/no/such/key" in done.stderr
