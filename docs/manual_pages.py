"""Writes a manual page for each command, made from its help: `python docs/manual_pages.py FOLDER`.

click-man leaves out exit codes and runs the lines of examples into one. Read one with `man -l FOLDER/meshproof.1`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import meshproof
from meshproof.cli.group import group
from meshproof.cli.options.sections import HELP, SECTIONS, section_of
from meshproof.cli.root import NAME


def write(folder: Path) -> list[Path]:
    """The files, one for each command and group."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for context in contexts(click.Context(group, info_name=NAME, **group.context_settings)):
        path = folder / f"{context.command_path.replace(' ', '-')}.1"
        path.write_text("\n".join(page(context)) + "\n", encoding="utf-8")
        made.append(path)
    return made


def contexts(context: click.Context) -> Iterator[click.Context]:
    """Those of a command and of all below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            yield from contexts(click.Context(command, info_name=name, parent=context, **command.context_settings))


def page(context: click.Context) -> Iterator[str]:
    """The lines of one page, for man(7)."""
    command, path = context.command, context.command_path
    yield f'.TH "{path.replace(" ", "-").upper()}" "1" "" "meshproof {meshproof.__version__}" "meshproof"'
    yield from (".SH NAME", f"{text(path.replace(' ', '-'))} \\- {text(command.get_short_help_str(200).rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {text(path)}", text(" ".join(command.collect_usage_pieces(context))))
    yield ".SH DESCRIPTION"
    yield from prose(command.help or "")
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    for name in (*(name for name, _ in SECTIONS), HELP):
        own = [record for one in options if section_of(one) == name and (record := one.get_help_record(context))]
        if own:
            yield f".SH {text(name.upper())}"
        for flags, told in own:
            yield from (".TP", f".B {text(flags)}", text(told))
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for name, one in sorted(command.commands.items()):
            yield from (".TP", f".BR {text(f'{path} {name}'.replace(' ', '-'))} (1)", text(one.get_short_help_str(200)))
    if command.epilog:
        head, _, rest = command.epilog.strip().removeprefix("\b\n").partition("\n")
        yield from (f".SH {text(head.rstrip(':').upper())}", ".nf", *map(text, rest.split("\n")), ".fi")


def prose(told: str) -> Iterator[str]:
    """Paragraphs; one that click keeps as it stands (`\\b`) keeps its lines."""
    for paragraph in inspect.cleandoc(told).split("\n\n"):
        yield ".PP"
        if paragraph.startswith("\b\n"):
            yield from (".RS", ".nf", *map(text, paragraph.split("\n")[1:]), ".fi", ".RE")
        else:
            yield text(" ".join(paragraph.split()))


def text(told: str) -> str:
    """A line that is text, whatever it begins with or holds."""
    escaped = told.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped[:1] in (".", "'", "\\") else escaped


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for path in write(Path(sys.argv[1])):
        print(path)
