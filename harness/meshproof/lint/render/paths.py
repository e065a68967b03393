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

# Where GitHub's runner and GitLab's keep the repository: a step may run in a folder of it.
CHECKED_OUT = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def relative(file: str) -> str:
    """A file as its reviewers call it, with slashes: from the top of what a CI server checked out, if it is there.

    Elsewhere from the working folder; what is outside of it stays as it is.
    """
    if file == STDIN_NAME:
        return "stdin"
    path = Path(os.path.normpath(file))
    try:
        whole, here = Path(os.path.normpath(path.absolute())), Path.cwd()
    except OSError:
        return path.as_posix()
    tops = (Path(os.path.normpath(one)) for name in CHECKED_OUT if (one := os.environ.get(name)))
    below = next((one for one in (*tops, here) if one.is_absolute() and whole.is_relative_to(one)), None)
    return (whole.relative_to(below) if below else path).as_posix()


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
