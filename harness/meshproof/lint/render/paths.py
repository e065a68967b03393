"""How machines call the place and the identity of a finding."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from meshproof.lint.check import Finding
from meshproof.manifest.source import STDIN_NAME


def relative(file: str) -> str:
    """A file's path below the working folder, with slashes: what is outside of it stays as it is."""
    if file == STDIN_NAME:
        return "stdin"
    path = Path(os.path.normpath(file))
    try:
        below = Path(os.path.normpath(path.absolute())).relative_to(Path.cwd())
    except (OSError, ValueError):
        return path.as_posix()
    return below.as_posix()


def address(file: str) -> str:
    """The same as a relative reference of a URI."""
    path = relative(file)
    return Path(path).as_uri() if Path(path).is_absolute() else quote(path)


def fingerprints(findings: Sequence[Finding]) -> Iterator[str]:
    """One for each finding, which moves with it when lines are added before it: no line counts."""
    seen: Counter[str] = Counter()
    for one in findings:
        key = "\n".join((one.code, relative(one.location.file), _without_lines(one.message)))
        seen[key] += 1
        yield hashlib.sha256(f"{key}\n{seen[key]}".encode("utf-8", "replace")).hexdigest()


def _without_lines(text: str) -> str:
    return "".join(one for one in text if not one.isdigit())
