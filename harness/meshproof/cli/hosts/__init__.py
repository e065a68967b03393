"""`meshproof hosts`: the machines below a cluster."""

from __future__ import annotations

import click

from meshproof.cli.hosts.check import check
from meshproof.cli.hosts.prepare import prepare, restore


@click.group(short_help="Look at the machines of a cluster, and ready them.")
def hosts() -> None:
    """Real machines, reached by ssh as you reach them yourself.

    They are listed in an inventory; fixtures/hosts.example.yaml shows all that may stand in one.
    """


for command in (check, prepare, restore):
    hosts.add_command(command)
