"""`meshproof runs`: the runs that are kept."""

from __future__ import annotations

import time
from pathlib import Path

import click

KEPT = 20


@click.group(short_help="The runs that are kept.")
def runs() -> None:
    """The runs that are kept in meshproof-runs/ (in a checkout of meshproof: reports/runs/)."""


@runs.command(short_help="Delete old runs.")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=KEPT,
    show_default=True,
    metavar="N",
    help="So many stay, the newest ones.",
)
@click.option(
    "--older-than", "days", type=click.FloatRange(min=0), metavar="DAYS", help="Delete only what is older than that."
)
@click.option("--apply", is_flag=True, help="Delete them. Without it they are only named.")
def prune(folder: Path | None, keep: int, days: float | None, apply: bool) -> int:
    """Name the runs that may go, and delete them with --apply.

    Only folders with the name of a run are looked at, and of these only runs that have ended. Runs whose folder you
    named yourself (--output) are yours.

    \b
    meshproof runs prune
    meshproof runs prune --keep 5 --older-than 30 --apply
    """
    from meshproof.report.pruning import remove, stored, superfluous
    from meshproof.report.run_folder import usual

    place = folder or usual(Path.cwd())
    found = stored(place)
    going = list(superfluous(found, keep, days, time.time()))
    for one in going:
        if apply:
            remove(one)
        click.echo(one.path)
    size = sum(one.size for one in going) / 1e6
    done = "deleted" if apply else "would be deleted; --apply deletes them"
    click.echo(f"{len(going)} of {len(found)} runs ({size:.1f} MB) {done}", err=True)
    return 0
