"""A machine runs its older kernel because of a GRUB_DEFAULT without effect: it gets the newer one, and is restored."""

from __future__ import annotations

from pathlib import Path

import pytest
from guest_host import Runs, inventory, judged
from guest_image import Image
from guest_machine import Guest
from meshproof.errors import UsageError

MODULES = {"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack"}
# The files that are restored: GRUB's defaults, its configuration, its environment.
FILES = "cat /etc/default/grub; md5sum /boot/grub/grub.cfg; grub-editenv list; ls /etc/modules-load.d"


def newer_kernel_and_back(guest: Guest, image: Image, folder: Path) -> None:
    """The whole preparation and restoration, in the order of a user."""
    path = inventory(guest, folder, f"{{kernel: '{image.newer}', disk: {{/boot: 1Mi}}}}")
    runs = Runs(path, folder)
    # This line has no effect: it is above the one that wins.
    guest.run("sed -i '1i GRUB_DEFAULT=0' /etc/default/grub")
    before = guest.run(FILES)

    found = judged(path)
    assert found["GrubDefault"][0] == "failed"
    assert "grub:1: GRUB_DEFAULT=0 has no effect: /etc/default/grub:2: GRUB_DEFAULT=saved" in found["GrubDefault"][1]
    assert found["NextBoot"][0] == "failed"
    assert f"{image.older} is booted next" in found["NextBoot"][1]
    assert found["RunningKernel"][0] == "failed"
    assert f"{image.newer} is installed and would need a boot" in found["RunningKernel"][1]

    planned = runs.prepare(apply=False, allow_reboot=True)
    assert [plan.step for plan in planned.hosts[0].plans if plan.changes] == ["boot loader", "reboot", "modules"]
    with pytest.raises(UsageError, match="needs your consent"):
        runs.prepare()
    assert guest.run("uname -r") == image.older
    assert guest.run("grep GRUB_DEFAULT /etc/default/grub").split() == ["GRUB_DEFAULT=saved", "GRUB_DEFAULT=0"]
    assert any("GRUB_DEFAULT=0 is there already and has no effect" in line for line in runs.progress)

    runs.prepare(allow_reboot=True)
    guest.hang_up()
    assert guest.run("uname -r") == image.newer
    assert set(guest.run("cut -d' ' -f1 /proc/modules").split()) >= MODULES
    assert not [line for line in runs.progress if "was not checked" in line]
    found = judged(path)
    assert {name: outcome for name, (outcome, _) in found.items() if outcome != "passed"} == {}
    assert found["IpvsBalances"][1] == "worker-1: 10 requests, shared evenly by two backends"

    journal = guest.run("cat /var/lib/meshproof/journal.ndjson")
    assert not runs.prepare(allow_reboot=True).hosts[0].changed
    assert guest.run("cat /var/lib/meshproof/journal.ndjson") == journal

    runs.restore(allow_reboot=True)
    guest.hang_up()
    assert guest.run("uname -r") == image.older
    assert guest.run(FILES) == before
