"""`meshproof hosts check` on a real machine: the predicted kernel is booted, and a check leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from guest_image import Image
from guest_machine import Guest

LIMIT = 600.0
MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack")


def check(guest: Guest, folder: Path, *, user: str = "deploy", kernel: str = "") -> dict[str, tuple[str, str]]:
    """Outcome and reason of each check, by the real command."""
    inventory = folder / "hosts.yaml"
    inventory.write_text(
        f"ssh: {{config: /dev/null, knownHosts: {guest.known_hosts}}}\n"
        f"hosts:\n- {{name: guest, role: worker, address: 127.0.0.1, port: {guest.port}, user: {user}, become: true,"
        f" key: {guest.key}, expect: {{kernel: '{kernel}', distribution: debian, disk: {{/boot: 1Mi}}}}}}\n"
    )
    command = [sys.executable, "-c", "from meshproof.cli import main; main()", "hosts", "check", "-f", str(inventory)]
    done = subprocess.run([*command, "-o", "json"], cwd=folder, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return {verdict["check"]: (verdict["outcome"], verdict["reason"]) for verdict in document["checks"]}


def grub(guest: Guest, *lines: str) -> None:
    """Replace the lines that set GRUB_DEFAULT by these, at the top of the file."""
    text = "".join(f"{line}\\n" for line in lines)
    guest.run("sed -i '/^GRUB_DEFAULT=/d' /etc/default/grub; cp /etc/default/grub /tmp/rest")
    guest.run(f"printf '{text}' >/etc/default/grub; cat /tmp/rest >>/etc/default/grub")


def test_for_a_user_without_rights_the_checks_say_what_is_unseen(
    guest: Guest, guest_image: Image, tmp_path: Path
) -> None:
    found = check(guest, tmp_path, user="plain")
    assert found["IpvsBalances"][0] == "inconclusive"
    assert "sudo refused" in found["IpvsBalances"][1]


def test_ipvs_is_not_loaded_by_looking(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    before = guest.run("cut -d' ' -f1 /proc/modules | sort")
    found = check(guest, tmp_path)
    assert found["IpvsModules"][0] == "failed"
    assert "ip_vs is not loaded, though it could be" in found["IpvsModules"][1]
    assert found["IpvsBalances"] == (
        "inconclusive", "worker-1: not shown: ip_vs and ip_vs_rr not loaded, and a check loads nothing",
    )  # fmt: skip
    assert guest.run("cut -d' ' -f1 /proc/modules | sort") == before


def test_ipvs_balances_and_nothing_is_left(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    guest.run(
        "modprobe -a " + " ".join(MODULES) + "; printf '%s\\n' " + " ".join(MODULES) + " >/etc/modules-load.d/v.conf"
    )
    found = check(guest, tmp_path)
    assert found["IpvsModules"][0] == "passed"
    assert found["IpvsModulesPersist"] == ("passed", "worker-1: /etc/modules-load.d/v.conf")
    assert found["IpvsBalances"] == ("passed", "worker-1: 10 requests, shared evenly by two backends")
    assert guest.run("ipvsadm -Ln | tail -n +4; lsns -t net -n | wc -l; pgrep -c perl || true") == "1\n0"


def test_the_predicted_next_boot_is_what_is_booted(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    older, newer = guest_image.older, guest_image.newer
    found = check(guest, tmp_path, kernel=newer)
    assert found["RunningKernel"][0] == "failed"
    assert f"{newer} is installed and would need a boot" in found["RunningKernel"][1]
    assert found["GrubDefault"][0] == "passed"
    assert found["NextBoot"][0] == "failed"
    assert f"{older} is booted next" in found["NextBoot"][1]

    # The line is there, and a later one wins.
    grub(guest, "GRUB_DEFAULT=0", "GRUB_DEFAULT=saved")
    found = check(guest, tmp_path, kernel=newer)
    assert found["GrubDefault"][0] == "failed"
    assert "grub:1: GRUB_DEFAULT=0 has no effect: /etc/default/grub:2: GRUB_DEFAULT=saved" in found["GrubDefault"][1]

    # The right order, but the configuration was not rebuilt.
    grub(guest, "GRUB_DEFAULT=saved", "GRUB_DEFAULT=0")
    found = check(guest, tmp_path, kernel=newer)
    assert "was not built from it" in found["GrubDefault"][1]
    assert f"{older} is booted next" in found["NextBoot"][1]

    guest.run("update-grub", limit=LIMIT)
    found = check(guest, tmp_path, kernel=newer)
    assert found["GrubDefault"][0] == "passed"
    assert found["NextBoot"] == ("passed", f"worker-1: {newer} is booted next (entry number 0); {older} runs now")

    before = guest.boot_id()
    guest.run("systemctl reboot", check=False)
    guest.wait(other_than=before)
    assert guest.run("uname -r") == newer
    found = check(guest, tmp_path, kernel=newer)
    assert found["RunningKernel"] == ("passed", f"worker-1: {newer} runs")
    assert found["IpvsModules"][0] == "passed"
    assert found["IpvsBalances"][0] == "passed"
