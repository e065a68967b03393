"""What commands read and how they print it: options that mean the same wherever they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from meshproof.cli.options.recursive import RECURSIVE, widened

Command = TypeVar("Command", bound=Callable[..., Any])


def _manifests(*, required: bool) -> Callable[[Command], Command]:
    option = click.option(
        "-f",
        "--filename",
        "files",
        type=click.Path(allow_dash=True),
        multiple=True,
        required=required,
        metavar="FILE|DIR|-",
        callback=widened,
        help="The manifests (repeatable; - is standard input).",
    )
    return lambda command: option(RECURSIVE(command))


MANIFESTS = _manifests(required=True)
# Where they may be a cluster's instead.
MANIFESTS_OR_CLUSTER = _manifests(required=False)
FORM = click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What is printed on standard output; progress always goes to standard error.",
)
OUTPUT = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the run's reports, new or empty.  [default: a new one in meshproof-runs/]",
)
COLOR = click.option(
    "--color/--no-color", default=None, help="Colours on or off.  [default: by the terminal and NO_COLOR]"
)
