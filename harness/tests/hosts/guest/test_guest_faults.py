"""What only a real machine can do to a run: its clock goes wrong, its boot disk fills, it restarts by itself."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guest_image import Image
from guest_machine import Guest
from meshproof.border.host_facts import HostsFacts
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.judge.hosts import ClockRight
from meshproof.target.hosts.connection import connect
from meshproof.target.hosts.facts.gather import host_facts
from meshproof.target.hosts.inventory import load_inventory
from meshproof.target.hosts.prepare.course import Course, Wish
from meshproof.target.hosts.veil import Veil

LIMIT = 1800.0
# Software emulation takes its time, and more where the machine has other work.
SLOW = replace(Timeouts(), ssh_connected=300, ssh_command=600, remote_file=600)
CONSENT = "needs your consent"


@pytest.fixture
def inventory(guest: Guest, guest_image: Image, tmp_path: Path) -> Path:
    """The guest, expected to run the newer kernel."""
    path = tmp_path / "hosts.yaml"
    path.write_text(
        f"ssh: {{config: /dev/null, knownHosts: {guest.known_hosts}}}\n"
        f"hosts:\n- {{name: guest, role: worker, address: 127.0.0.1, port: {guest.port}, user: deploy, become: true,\n"
        f"  key: {guest.key}, expect: {{kernel: '{guest_image.newer}', clockOffset: 60s}}}}\n"
    )
    return path


class Run:
    """One run of prepare; `at` calls a function when a line of its progress holds a text."""

    def __init__(self, inventory: Path, state: Path) -> None:
        self._inventory, self._state = inventory, state
        self.told: list[str] = []

    def prepare(self, at: str = "", then: Any = None) -> None:
        def tell(line: str) -> None:
            self.told.append(line)
            if at and at in line:
                then()

        course = Course(
            load_inventory(self._inventory), Wish(), tell, SLOW, self._state / "state", self._state / "cache"
        )
        asyncio.run(asyncio.wait_for(course.prepare(apply=True), LIMIT))


def whole(guest: Guest) -> None:
    """Nothing is half of what it was or shall be."""
    lines = [line for line in guest.run("cat /etc/default/grub").splitlines() if "GRUB_DEFAULT" in line]
    assert lines in (["GRUB_DEFAULT=saved"], ["GRUB_DEFAULT=saved", "GRUB_DEFAULT=0"])
    assert guest.run("tail -n 1 /boot/grub/grub.cfg") == "### END /etc/grub.d/41_custom ###"


async def clock(inventory: Path, folder: Path) -> tuple[str, str]:
    """Outcome and reason of ClockRight."""
    read = load_inventory(inventory)
    connection = await connect(read.hosts[0], read.ssh, folder, SLOW, Veil.of(read))
    try:
        verdict = ClockRight().judge(HostsFacts((await host_facts(connection),)))
    finally:
        await connection.close()
    return verdict.outcome, verdict.reason


def test_a_clock_that_is_off_is_found(guest: Guest, inventory: Path) -> None:
    guest.run("date -s '+1 hour'")
    try:
        outcome, reason = asyncio.run(asyncio.wait_for(clock(inventory, guest.folder), LIMIT))
        assert outcome == "failed"
        assert re.search(r"\+3[56]\d\d\.\d+ s from ours, .* and 60 s are allowed", reason)
    finally:
        guest.run("date -s '-1 hour'")
    # There is no network, so nothing to be synchronised with; but it is right.
    _, reason = asyncio.run(asyncio.wait_for(clock(inventory, guest.folder), LIMIT))
    assert "are allowed" not in reason


def test_a_full_boot_disk_leaves_the_old_configuration(guest: Guest, inventory: Path, tmp_path: Path) -> None:
    before = guest.run("md5sum /boot/grub/grub.cfg")
    guest.run("cat /dev/zero > /boot/fill 2>/dev/null || true; sync")
    try:
        with pytest.raises(TargetError, match="disk is full"):
            Run(inventory, tmp_path).prepare()
        assert guest.run("md5sum /boot/grub/grub.cfg") == before
        whole(guest)
    finally:
        guest.run("rm /boot/fill")


def test_a_host_that_restarts_by_itself_is_whole_and_the_next_run_goes_on(
    guest: Guest, guest_image: Image, inventory: Path, tmp_path: Path
) -> None:
    boot = guest.boot_id()
    run = Run(inventory, tmp_path)
    # The power fails while grub-mkconfig runs.
    with pytest.raises(TargetError, match="connection was lost"):
        run.prepare("grub-mkconfig", lambda: threading.Timer(3.0, guest.reset).start())
    guest.wait(other_than=boot)
    assert guest.run("uname -r") == guest_image.older
    whole(guest)
    with pytest.raises(UsageError, match=CONSENT):
        run.prepare()
    assert any("an earlier run stopped in the step `boot loader`" in line for line in run.told)
    whole(guest)
    assert guest.run("grep -c 'set default=\"0\"' /boot/grub/grub.cfg") == "1"
