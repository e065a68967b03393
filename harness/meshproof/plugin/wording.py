"""Messages as pytest's users need them: the command's options that they name, by the names that pytest has for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshproof.options import KUBERNETES

PREFIX = "--mesh-"
# Options beside those of Kubernetes, by the command's name.
SHARED = {
    "hosts-file": "hosts",
    **{name: name for name in ("target", "show-names", "port", "alpha", "beta", "tolerance", "max-requests")},
    **{name: name for name in ("workers", "seed", "output", "web")},
}
# What follows one of these is a command line of its own, up to the end of the clause.
PROGRAMS = re.compile(
    r"(?<![\w-])(?:kubectl|istioctl|docker|podman|nerdctl|meshproof|kind (?:get|create|delete|load))\s"
)
CLAUSE = re.compile(r"([;,]\s|\n|: )")


def as_pytest(text: str) -> str:
    """The text with `--mesh-NAME` for each `--NAME` of the command's; command lines of other programs stay."""
    return "".join(line if line.startswith("command:") else _line(line) for line in text.splitlines(keepends=True))


def _line(line: str) -> str:
    return "".join(map(_clause, CLAUSE.split(line)))


def _clause(text: str) -> str:
    begins = PROGRAMS.search(text)
    own, foreign = (text[: begins.start()], text[begins.start() :]) if begins else (text, "")
    return OPTION.sub(lambda found: f"{PREFIX}{NAMES[found[1]]}", own) + foreign


def _names() -> Iterable[tuple[str, str]]:
    yield from ((option.name, option.name) for option in KUBERNETES if not option.command_only)
    yield from SHARED.items()


NAMES = dict(_names())
OPTION = re.compile(rf"(?<![\w-])--({'|'.join(sorted(NAMES, key=len, reverse=True))})(?![\w-])")
