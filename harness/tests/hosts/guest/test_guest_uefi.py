"""The same disk booted by UEFI: which loader the firmware starts, what that reads, and a whole preparation."""

from __future__ import annotations

from pathlib import Path

import pytest
from guest_host import inventory, looked_at
from guest_image import Image
from guest_machine import Guest
from guest_recipe import UEFI
from guest_story import newer_kernel_and_back

STUB = "/boot/efi/EFI/debian/grub.cfg"


@pytest.fixture(scope="module")
def firmware() -> str:
    return UEFI


def test_the_firmware_starts_debians_loader_and_that_follows_its_stub(
    guest: Guest, guest_image: Image, tmp_path: Path
) -> None:
    assert guest.run("efibootmgr | grep -c 'Boot.*debian'") == "1"
    assert "configfile $prefix/grub.cfg" in guest.run(f"cat {STUB}")
    boot = looked_at(inventory(guest, tmp_path, "{}")).hosts[0].boot
    assert (boot.firmware, boot.config, boot.environment) == ("uefi", "/boot/grub/grub.cfg", "/boot/grub/grubenv")
    assert boot.next is not None
    assert boot.next.entry is not None
    assert (boot.next.entry.kernel, boot.next.doubt) == (guest_image.older, "")


def test_the_newer_kernel_and_back(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    newer_kernel_and_back(guest, guest_image, tmp_path)
    # The firmware starts what it started before.
    assert guest.run("test -d /sys/firmware/efi; efibootmgr | grep -c 'Boot.*debian'") == "1"
