"""What only a real machine can do to a run: its clock goes wrong, its boot disk fills, it restarts by itself."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest
from guest_host import Runs, inventory, judged
from guest_image import Image
from guest_machine import Guest
from meshproof.errors import TargetError, UsageError
from meshproof.judge.hosts import ClockRight

sys.path.insert(0, str(Path(__file__).parents[1] / "proxy"))

from cutting_proxy import cutting_proxy

CONSENT = "needs your consent"
MODULES = {"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack"}


@pytest.fixture
def path(guest: Guest, guest_image: Image, tmp_path: Path) -> Path:
    """The inventory: the guest, expected to run the newer kernel."""
    return inventory(guest, tmp_path, f"{{kernel: '{guest_image.newer}', clockOffset: 60s}}")


def whole(guest: Guest) -> None:
    """Every file has either its old or its new content."""
    lines = [line for line in guest.run("cat /etc/default/grub").splitlines() if "GRUB_DEFAULT" in line]
    assert lines in (["GRUB_DEFAULT=saved"], ["GRUB_DEFAULT=saved", "GRUB_DEFAULT=0"])
    assert guest.run("tail -n 1 /boot/grub/grub.cfg") == "### END /etc/grub.d/41_custom ###"


def test_a_wrong_clock_is_found(guest: Guest, path: Path) -> None:
    guest.run("date -s '+1 hour'")
    try:
        outcome, reason = judged(path, ClockRight())["ClockRight"]
        assert outcome == "failed"
        assert re.search(r"\+3[56]\d\d\.\d+ s from ours, .* and 60 s are allowed", reason)
    finally:
        guest.run("date -s '-1 hour'")
    # Without a network the clock is not synchronised, but it is right.
    _, reason = judged(path, ClockRight())["ClockRight"]
    assert "are allowed" not in reason


def test_a_full_boot_disk_leaves_the_old_configuration(guest: Guest, path: Path, tmp_path: Path) -> None:
    before = guest.run("md5sum /boot/grub/grub.cfg")
    guest.run("cat /dev/zero > /boot/fill 2>/dev/null || true; sync")
    try:
        with pytest.raises(TargetError, match="disk is full"):
            Runs(path, tmp_path).prepare()
        assert guest.run("md5sum /boot/grub/grub.cfg") == before
        whole(guest)
    finally:
        guest.run("rm /boot/fill")


def test_after_a_power_failure_files_are_complete_and_the_next_run_goes_on(
    guest: Guest, guest_image: Image, path: Path, tmp_path: Path
) -> None:
    boot = guest.boot_id()
    runs = Runs(path, tmp_path)
    # The power fails while grub-mkconfig runs.
    with pytest.raises(TargetError, match="connection was lost"):
        runs.prepare(at="grub-mkconfig", then=threading.Timer(3.0, guest.reset).start)
    guest.wait(other_than=boot)
    assert guest.run("uname -r") == guest_image.older
    whole(guest)
    with pytest.raises(UsageError, match=CONSENT):
        runs.prepare()
    assert any("an earlier run stopped in the step `boot loader`" in line for line in runs.progress)
    whole(guest)
    assert guest.run("grep -c 'set default=\"0\"' /boot/grub/grub.cfg") == "1"


def test_a_cut_before_the_reboot_and_before_the_modules_is_reported_and_the_next_run_goes_on(
    guest: Guest, guest_image: Image, tmp_path: Path
) -> None:
    with cutting_proxy(guest.port) as proxy:
        known = guest.known_hosts.read_text()
        guest.known_hosts.write_text(known + known.replace(str(guest.port), str(proxy.port)))
        runs = Runs(inventory(guest, tmp_path, f"{{kernel: '{guest_image.newer}'}}", port=proxy.port), tmp_path)
        boot = guest.boot_id()
        for at, step in (("reboots, which may take up to", "reboot"), (": run modprobe", "modules")):
            with pytest.raises(TargetError, match="SSH connection was lost"):
                runs.prepare(allow_reboot=True, at=at, then=proxy.cut)
            assert runs.stopped() == step
            if step == "reboot":
                # It has not rebooted: the boot id is the old one.
                assert guest.boot_id() == boot
        runs.prepare(allow_reboot=True)
    guest.hang_up()
    assert guest.run("uname -r") == guest_image.newer
    assert set(guest.run("cut -d' ' -f1 /proc/modules").split()) >= MODULES
