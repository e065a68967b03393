"""The tree of commands in a language: every command has --lang, and a context that writes help in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import click

from meshproof.cli.help.formatter import Formatter
from meshproof.language.words import ENGLISH, LANGUAGES, OPTION, Words, meant, words


class Context(click.Context):
    def make_formatter(self) -> click.HelpFormatter:
        own = spoken(self)
        if own is ENGLISH:
            return super().make_formatter()
        return Formatter(own, width=self.terminal_width, max_width=self.max_content_width)


class Root(click.Group):
    """The whole command; the contexts of all commands below find the language in its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        extra.setdefault("obj", words(meant(args, os.environ)))
        return super().make_context(info_name, args, parent, **extra)


def spoken(context: click.Context | None = None) -> Words:
    """The language of a context, or of the command that is carried out."""
    context = context or click.get_current_context(silent=True)
    return (context and context.find_object(Words)) or ENGLISH


def documents_read(number: int) -> None:
    """Tell how far the reading of many documents is."""
    click.echo(spoken()("{n} documents read", n=f"{number:,}"), err=True)


def speaking(command: click.Command) -> None:
    """Let a command and all below it speak the language that is asked for."""
    for one in tree(command):
        if one.context_class is Context:
            continue
        one.context_class = Context
        # Read from the command line as a whole before it is parsed; here it is refused where it is wrong.
        option = click.Option(
            [OPTION], type=click.Choice(LANGUAGES), expose_value=False,
            help="The language of help, terminal and report.html; reasons and what programs read stay English.  "
            "[default: by LC_ALL, LC_MESSAGES, LANG]",
        )  # fmt: skip
        one.params.append(option)


def tree(command: click.Command) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from tree(one)
