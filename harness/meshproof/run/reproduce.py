"""The command that repeats a run, from the run's own folder, wherever that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.options import KUBERNETES, Kind
from meshproof.run.keep import files
from meshproof.run.prepare import Prepared

VERIFY = "verify"
MANIFESTS = frozenset({"-f", "--filename", "--applied"})
OUTPUT = frozenset({"--output"})
FILES = frozenset(
    {
        "--cacert",
        "--cert",
        "--key",
        "--hosts-file",
        *(f"--{one.name}" for one in KUBERNETES if one.kind is Kind.PATH),
    }
)
"""Options whose values are files that a run does not keep."""


def command(arguments: Sequence[str], driven: Sequence[Prepared]) -> tuple[str, ...]:
    """`meshproof` with these arguments, as it is to be called in the run's folder.

    Manifests are those that the run keeps, other files are named in full, and the reports go to a folder of their own.
    """
    if not arguments or arguments[0] != VERIFY or not driven:
        return ("meshproof", *_kept(arguments, leave=OUTPUT))
    applied, specified = files(driven[0])
    named = ("-f", specified, *(() if specified == applied else ("--applied", applied)))
    return ("meshproof", VERIFY, *named, *_kept(arguments[1:], leave=OUTPUT | MANIFESTS))


def _kept(arguments: Sequence[str], leave: frozenset[str]) -> Iterator[str]:
    """The arguments without these options and their values."""
    left = iter(arguments)
    for word in left:
        name, equals, value = word.partition("=")
        short = word[:2] if word[:1] == "-" and word[1:2] != "-" else ""
        if name in leave or short in leave:
            # Its value stands in the same word, or in the next.
            if not equals and word in leave:
                next(left, None)
        elif name in FILES:
            value = value if equals else next(left, "")
            yield from (name, str(Path(value).absolute()) if value else value)
        else:
            yield word
