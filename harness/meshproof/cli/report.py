"""`meshproof report`: a run's reports made again from its events."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(run: Path) -> int:
    """Make the reports of a run again from its events.ndjson."""
    from meshproof.report.run_folder import rebuild

    click.echo(rebuild(run))
    return 0
