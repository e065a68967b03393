"""`meshproof report`: a run's reports made again from its events."""

from __future__ import annotations

from pathlib import Path

import click

from meshproof.cli.help.tree import spoken


@click.command(short_help="Make a run's reports again.")
@click.option("--full", is_flag=True, help="Show every check in full in report.html, however many there are.")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(run: Path, full: bool) -> int:
    """Make the reports of a run again from its events, and print where the page is.

    RUN is the folder that the run left. It works for a run that was killed as well.
    """
    from meshproof.report.run_folder import rebuild

    click.echo(rebuild(run, full=full, words=spoken()))
    return 0
