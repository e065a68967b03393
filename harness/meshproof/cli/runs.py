"""`meshproof runs`: the runs that are kept."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click

from meshproof.cli.help.tree import spoken
from meshproof.language.wrap import padded
from meshproof.redaction.credentials import redact
from meshproof.report.wording import line

KEPT = 20
# Columns of the widest outcome in English.
WIDE = 12


@click.group(short_help="The runs that are kept.")
def runs() -> None:
    """The runs that are kept in meshproof-runs/ (in a checkout of meshproof: reports/runs/)."""


FOLDER = click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]")


@runs.command("list", short_help="Name them, the newest first.")
@FOLDER
def list_(folder: Path | None) -> int:
    """Name the runs, the newest first, each with its outcome and its command.

    Runs whose folder you named yourself (--output) are not among them.
    """
    from meshproof.report.kept.listing import kept
    from meshproof.report.run_folder import usual

    words = spoken()
    for one in kept(folder or usual(Path.cwd())):
        outcome = padded(words.outcome(one.outcome), WIDE) if one.outcome else " " * WIDE
        click.echo(redact(line(f"{one.path}  {outcome}  {shlex.join(one.command)}")))
    return 0


@runs.command(short_help="Delete old runs.")
@FOLDER
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
    from meshproof.report.kept.pruning import remove, stored, superfluous
    from meshproof.report.run_folder import usual

    place = folder or usual(Path.cwd())
    found = stored(place)
    going = list(superfluous(found, keep, days, time.time()))
    for one in going:
        if apply:
            remove(one)
        click.echo(one.path)
    size = sum(one.size for one in going) / 1e6
    words, of = spoken(), {"n": len(going), "all": len(found), "size": f"{size:.1f}"}
    if apply:
        click.echo(words("{n} of {all} runs ({size} MB) deleted", **of), err=True)
    else:
        click.echo(words("{n} of {all} runs ({size} MB) would be deleted; --apply deletes them", **of), err=True)
    return 0
