"""The command group with the one command that is called: to import all others takes longer than what many do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from meshproof.collector import collector_paused

if TYPE_CHECKING:
    import click

COMMANDS = {
    "run": "run",
    "verify": "verify",
    "test": "intents.test",
    "intents": "intents.write",
    "certify": "certificates.certify",
    "verify-certificate": "certificates.verify_certificate",
    "compare": "certificates.compare",
    "capture": "cluster.capture",
    "replay": "bundles.replay",
    "explain": "explain",
    "lint": "lint",
    "diff": "diff",
    "hosts": "hosts",
    "image": "image",
    "selfcheck": "selfcheck",
    "report": "report",
    "runs": "runs",
}
"""The commands, and the modules in which they stand under the same names."""
COMPLETING = "_MESHPROOF_COMPLETE"


def called(words: Sequence[str], environment: Mapping[str, str]) -> click.Group:
    """The group with the command that these words begin with, and with all of them where they begin with none."""
    module = COMMANDS.get(words[0]) if words and not environment.get(COMPLETING) else None
    if module is None:
        from meshproof.cli.group import group

        return group
    with collector_paused(to_the_end=True):
        from meshproof.cli.help.tree import speaking
        from meshproof.cli.root import root

        command = getattr(import_module(f"meshproof.cli.{module}"), words[0].replace("-", "_"))
    alone = root()
    alone.add_command(command)
    speaking(alone)
    return alone
