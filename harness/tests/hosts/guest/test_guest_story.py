"""A host prepared and restored, on a machine that boots by BIOS."""

from __future__ import annotations

from pathlib import Path

from guest_image import Image
from guest_machine import Guest
from guest_story import newer_kernel_and_back


def test_the_newer_kernel_and_back(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    newer_kernel_and_back(guest, guest_image, tmp_path)
