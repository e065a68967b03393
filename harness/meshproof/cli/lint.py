"""`meshproof lint`: what is wrong or doubtful in manifests, told from the files alone."""

from __future__ import annotations

import sys

import click

import meshproof
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.files_and_forms import MANIFESTS
from meshproof.errors import UsageError

FORMATS = ("text", "json", "sarif", "github", "gitlab")
THRESHOLDS = ("error", "warning", "info", "never")
EXIT_CODES = """\b
Exit codes:
  0  nothing was found that is as severe as --fail-on
  1  something was
  2  interrupted
  3  the output could not be written
  4  the command is wrong, or nothing of the manifests can be read
"""


@click.command(short_help="Say what is wrong or doubtful in your manifests.", epilog=EXIT_CODES)
@MANIFESTS
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Namespace of what names none.",
)
@click.option(
    "--fail-on",
    type=click.Choice(THRESHOLDS),
    default="warning",
    show_default=True,
    help="The least severity that ends in exit code 1.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    help="A code that is not looked for, such as MP090 (repeatable).",
)
@click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="sarif for code scanning, github for annotations of a workflow, gitlab for its code quality report.",
)
def lint(files: tuple[str, ...], namespace: str, fail_on: str, ignored: tuple[str, ...], form: str) -> int:
    """Look for mistakes in manifests: nothing is started, and no cluster is asked.

    Each finding has a stable code, its line, and what to do. One line of YAML is excused by a comment there
    or above it, with the reason:

    \b
    # meshproof: ignore MP062 because next week's release sends to it

    \b
    meshproof lint -f k8s/
    meshproof lint -f k8s/ --fail-on error --ignore MP090
    meshproof lint -f k8s/ -o sarif > lint.sarif
    """
    from meshproof.lint.catalogue import CODES
    from meshproof.lint.lint import lint as found_in
    from meshproof.lint.render.forms import rendered

    left_out = frozenset(code.upper() for code in ignored)
    if unknown := sorted(left_out - CODES):
        raise UsageError(f"there is no code {' and no '.join(unknown)}: docs/lint.md lists them, MP001 and so on")
    linted = found_in(files, stdin=sys.stdin, namespace=namespace, left_out=left_out)
    click.echo(rendered(linted, form, meshproof.__version__, spoken()), nl=False)
    threshold = THRESHOLDS.index(fail_on)
    return int(any(one.severity.rank <= threshold for one in linted.findings) and fail_on != "never")
