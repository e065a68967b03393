"""The options of a mesh on Kubernetes as click has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from meshproof.options import KUBERNETES, Kind, Option


def on_kubernetes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it receives each by its key."""
    for option in reversed(KUBERNETES):
        command = _decorator(option)(command)
    return command


def _decorator(option: Option) -> Callable[..., Any]:
    attributes: dict[Kind, dict[str, Any]] = {
        Kind.TEXT: {"default": option.default},
        Kind.FLAG: {"is_flag": True},
        Kind.SEVERAL: {"multiple": True},
        Kind.PATH: {"type": click.Path(dir_okay=False, path_type=Path)},
        Kind.COUNT: {"type": click.IntRange(*option.bounds)},
    }
    repeatable = " (repeatable)" if option.kind is Kind.SEVERAL else ""
    return click.option(
        f"--{option.name}",
        option.key,
        metavar=option.metavar or None,
        shell_complete=_completion(option),
        help=f"{option.help[0].upper()}{option.help[1:]}.{repeatable}  [{option.targets}]",
        **attributes[option.kind],
    )


def _completion(option: Option) -> Callable[[click.Context, click.Parameter, str], list[str]] | None:
    words = option.completion
    if words is None:
        # Click completes by the option's type.
        return None
    return lambda _context, _parameter, incomplete: [word for word in words() if word.startswith(incomplete)]
