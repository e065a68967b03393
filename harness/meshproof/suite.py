"""Where the content lives that is run or read by path: scenarios, fixtures, loadtests, reports.

In a wheel it is shipped inside the package; in a checkout and an editable install it stands at the
repository's top level, the source of the program with istiod's code in harness/.
"""

from __future__ import annotations

from pathlib import Path

from meshproof.errors import UsageError

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder of that name (`scenarios`, `fixtures`, `loadtests`, `reports`, `istiod`); raises UsageError."""
    for root in (PACKAGE / "_suite", PACKAGE.parents[1], PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise UsageError(f"this installation of meshproof lacks its {name}/ folder: install it again")
