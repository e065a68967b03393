"""The options of a signature. No password ever stands on a command line, where every process of a machine sees it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshproof.bounded import read_given
from meshproof.errors import UsageError

if TYPE_CHECKING:
    from meshproof.signing.keys import Signer

VARIABLES = ("MESHPROOF_KEY_PASSWORD", "COSIGN_PASSWORD")
LARGEST = 4096


def signer_of(key: Path | None, password_file: Path | None) -> Signer | None:
    """The key to sign with; raises UsageError for one that cannot be used."""
    if key is None:
        if password_file:
            raise UsageError("--key-password-file is for --sign KEY")
        return None
    from meshproof.signing.keys import signer

    return signer(key, lambda: _password(key, password_file))


def _password(key: Path, file: Path | None) -> bytes:
    if file is not None:
        return _first_line(file)
    for name in VARIABLES:
        if name in os.environ:
            return os.fsencode(os.environ[name])
    if not sys.stdin.isatty():
        raise UsageError(
            f"{key} needs a password: give --key-password-file FILE, set {VARIABLES[0]}, or sign from a terminal"
        )
    text: str = click.prompt(f"Password of {key}", hide_input=True, default="", show_default=False, err=True)
    return text.encode()


def _first_line(file: Path) -> bytes:
    return read_given(file, LARGEST, "password").removesuffix(b"\n").removesuffix(b"\r")
