"""What other programs wrote into a run's folder while it ran."""

from __future__ import annotations

import contextlib
from pathlib import Path

from meshproof.redaction.credentials import redact

# Of what is longer the end is kept, which says why a program ended.
LARGEST = 4 << 20


def redact_logs(folder: Path) -> None:
    """Take credentials out of the `*.log` files of a folder; one that cannot be rewritten is deleted."""
    for path in folder.glob("*.log"):
        try:
            _rewrite(path)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()


def _rewrite(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(max(0, size - LARGEST))
        text = stream.read(LARGEST).decode(errors="replace")
        found = redact(text)
        if found != text or size > LARGEST:
            stream.seek(0)
            stream.truncate()
            stream.write(found.encode())
