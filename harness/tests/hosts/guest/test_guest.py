"""The guest itself: it is as the other tests expect it."""

from __future__ import annotations

import os

from guest_image import Image
from guest_machine import Guest


def test_the_older_kernel_runs_and_the_newer_one_is_installed(guest: Guest, guest_image: Image) -> None:
    assert guest.run("uname -r") == guest_image.older
    assert guest.run("ls /boot/vmlinuz-*").split() == [
        f"/boot/vmlinuz-{guest_image.older}",
        f"/boot/vmlinuz-{guest_image.newer}",
    ]


def test_the_boot_loader_starts_the_older_kernel_because_it_was_saved(guest: Guest, guest_image: Image) -> None:
    assert "GRUB_DEFAULT=saved" in guest.run("cat /etc/default/grub")
    assert f"gnulinux-{guest_image.older}-advanced" in guest.run("grub-editenv list")


def test_its_services_run_and_its_clock_is_right(guest: Guest) -> None:
    assert guest.run("systemctl is-active ssh systemd-networkd") == "active\nactive"
    now = int(guest.run("date +%s"))
    assert abs(now - int(os.popen("date +%s").read())) < 10


def test_it_reaches_nothing(guest: Guest) -> None:
    assert guest.run("timeout 5 curl -s http://10.0.2.2:80/ || echo refused", limit=30) == "refused"


def test_a_user_may_do_everything_or_nothing(guest: Guest) -> None:
    assert guest.run("sudo -n id -u", user="deploy") == "0"
    assert guest.run("sudo -n id -u || echo refused", user="plain") == "refused"
