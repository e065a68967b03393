"""The folder that a self-check leaves: selfcheck.json, and the load generators' logs."""

from __future__ import annotations

from pathlib import Path

from meshproof.errors import UsageError
from meshproof.report.run_folder import make, write
from meshproof.report.selfcheck.record import SelfCheckRecord
from meshproof.report.selfcheck.show import document

JSON = "selfcheck.json"


def claim(path: Path) -> Path:
    """Make the folder (0700); raises UsageError when it cannot be made or holds something already."""
    try:
        make(path)
        if any(path.iterdir()):
            raise UsageError(f"{path} is not empty: name another folder with --output")
    except OSError as error:
        raise UsageError(f"{path}: cannot be the folder of this run: {error.strerror}") from None
    return path.absolute()


def keep(folder: Path, record: SelfCheckRecord) -> Path:
    """Write the record and return where it is; raises UsageError."""
    write(folder / JSON, document(record))
    return folder / JSON
