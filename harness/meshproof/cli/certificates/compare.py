"""`meshproof compare`: what is another in one run than in another."""

from __future__ import annotations

import json
from pathlib import Path

import click

from meshproof.border.verdict import ERROR_RATES
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.shared import Within

EXIT_CODES = """\b
Exit codes:
  0  nothing got worse
  1  something got worse: the headline, a feature, a gap, or a share
  4  a command or an option is wrong, or a run cannot be read
"""
WORSE = 1


@click.command(short_help="Compare two runs.", epilog=EXIT_CODES)
@click.argument("before", type=click.Path(exists=True, path_type=Path))
@click.argument("after", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--alpha",
    type=Within(ERROR_RATES),
    default=0.001,
    show_default=True,
    metavar="RATE",
    help="How often, at most, a comparison may find a difference of shares where there is none.",
)
@click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
def compare(before: Path, after: Path, alpha: float, form: str) -> int:
    """Compare two runs: features gained and lost, shares that differ, gaps, and what they ran on and with.

    BEFORE and AFTER are run folders or certificates. A certificate is taken as it stands: verify-certificate tells
    whether it was edited.

    \b
    meshproof compare meshproof-runs/MONDAY meshproof-runs/TUESDAY
    meshproof compare released/certificate.yaml meshproof-runs/TODAY
    meshproof compare MONDAY TUESDAY -o html > comparison.html
    """
    from meshproof.report.comparison import render
    from meshproof.report.comparison.comparison import compare as compared
    from meshproof.report.comparison.page import page
    from meshproof.report.comparison.side import read
    from meshproof.run.exit_codes import VerdictCode

    words = spoken()
    found = compared(read(before), read(after), alpha)
    if form == "json":
        click.echo(json.dumps(render.document(found), indent=2))
    elif form == "html":
        click.echo(page(found, words), nl=False)
    else:
        click.echo("\n".join(render.markdown(found) if form == "markdown" else render.text(found, words)))
    return VerdictCode(WORSE if found.worse else 0)
