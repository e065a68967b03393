"""Hosts prepared for real: a machine that runs the older of its kernels gets the newer one, and is put back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from guest_image import Image
from guest_machine import Guest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.target.hosts.inventory import load_inventory
from meshproof.target.hosts.prepare.course import Course, Wish

LIMIT = 3600
# Software emulation takes its time, and more where the machine has other work.
SLOW = replace(
    Timeouts(), ssh_connected=240, ssh_command=600, remote_file=600, boot_loader_config=1800, host_reboot=2400
)


@pytest.fixture
def inventory(guest: Guest, guest_image: Image, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "config").write_text("Host *\n  IdentityAgent none\n  GSSAPIAuthentication no\n")
    path = tmp_path / "hosts.yaml"
    path.write_text(
        f"ssh: {{config: config, knownHosts: {guest.known_hosts}}}\n"
        f"hosts:\n- {{name: guest, role: worker, address: 127.0.0.1, port: {guest.port}, user: deploy, become: true,\n"
        f"  key: {guest.key}, expect: {{kernel: '{guest_image.newer}'}}}}\n"
    )
    return path


def shell(guest: Guest, script: str) -> str:
    return guest.run(script, limit=600)


def course(inventory: Path, state: Path, told: list[str], **wish: bool) -> Course:
    return Course(load_inventory(inventory), Wish(**wish), told.append, SLOW, state / "state", state / "cache")  # type: ignore[arg-type]


def test_the_newer_kernel_and_back(guest: Guest, guest_image: Image, inventory: Path, tmp_path: Path) -> None:
    told: list[str] = []

    def prepare(*, apply: bool = True, **wish: bool):
        one = course(inventory, tmp_path, told, **wish)
        return asyncio.run(asyncio.wait_for(one.prepare(apply=apply), LIMIT))

    before = shell(guest, "cat /etc/default/grub; md5sum /boot/grub/grub.cfg; grub-editenv list")
    planned = prepare(apply=False, allow_reboot=True)
    assert shell(guest, "cat /etc/default/grub; md5sum /boot/grub/grub.cfg; grub-editenv list") == before
    assert [plan.step for plan in planned.hosts[0].plans if plan.changes] == ["boot loader", "reboot", "modules"]

    with pytest.raises(UsageError, match="needs your consent"):
        prepare()
    assert shell(guest, "uname -r") == guest_image.older
    lines = shell(guest, "cat /etc/default/grub").splitlines()
    assert lines.index("GRUB_DEFAULT=0") == lines.index("GRUB_DEFAULT=saved") + 1

    prepare(allow_reboot=True)
    assert shell(guest, "uname -r") == guest_image.newer
    loaded = shell(guest, "cut -d' ' -f1 /proc/modules").split()
    assert {"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack"} <= set(loaded)
    assert not [line for line in told if "was not tried" in line]

    journal = shell(guest, "cat /var/lib/meshproof/journal.ndjson")
    assert not prepare(allow_reboot=True).hosts[0].changed
    assert shell(guest, "cat /var/lib/meshproof/journal.ndjson") == journal

    one = course(inventory, tmp_path, told, allow_reboot=True)
    asyncio.run(asyncio.wait_for(one.restore(apply=True), LIMIT))
    assert shell(guest, "uname -r") == guest_image.older
    assert shell(guest, "cat /etc/default/grub; md5sum /boot/grub/grub.cfg; grub-editenv list") == before
    assert shell(guest, "ls /etc/modules-load.d/meshproof.conf 2>/dev/null || echo gone") == "gone"
