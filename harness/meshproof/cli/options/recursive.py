"""`-R`: folders with all that stands in their subfolders, as kubectl takes it."""

from __future__ import annotations

from typing import Any

import click

KEY = "meshproof.recursive"


def _remember(context: click.Context, _option: click.Parameter, value: bool) -> None:
    context.meta[KEY] = value


def widened(context: click.Context, _option: click.Parameter, value: Any) -> Any:
    """The files and folders of an option, each folder with what stands beneath it where -R is given."""
    if not value or not is_recursive(context):
        return value
    from meshproof.manifest.source import beneath

    return beneath(value)


def is_recursive(context: click.Context | None = None) -> bool:
    """Whether a command, the one that is run if none is named, is to read subfolders."""
    return bool((context or click.get_current_context()).meta.get(KEY))


# Eager: it is known before the options whose folders it is about.
RECURSIVE = click.option(
    "-R",
    "--recursive",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember,
    help="Read the subfolders of folders too, but hidden ones.",
)
