"""`meshproof report`: a run's reports made again from its events."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Make a run's reports again.")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(run: Path) -> int:
    """Make the reports of a run again from its events, and print where the page is.

    RUN is the folder that the run left. It works for a run that was killed as well.
    """
    from meshproof.report.run_folder import rebuild

    click.echo(rebuild(run))
    return 0
