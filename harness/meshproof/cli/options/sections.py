"""Help in sections: --help shows the options that most people need, --help-all shows each, by what it is about."""

from __future__ import annotations

from typing import Any

import click

from meshproof.cli.help.tree import spoken
from meshproof.language.words import OPTION
from meshproof.options import KUBERNETES

# By the names of parameters; those of a command that stand in none are shown with the first.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Manifests and requests", ("spec", "recursive", "applied", "requests", "namespace", "sender", "files", "tests")),
    (
        "What is proved",
        (
            *("listing", "untouched", "static", "min_coverage", "strict", "thorough"),
            *("allow_unproven", "allowed_by", "accept_gaps", "self_check"),
        ),
    ),
    ("Where the mesh runs", ("target", "control_plane", "ports", "workers", "seed")),
    ("Error rates", ("tolerance", "alpha", "beta", "max_requests")),
    ("Reports", ("format", "form", "output", "web", "locust_web", "color", "sign", "key_password_file")),
    ("Clients of gateways in TLS", ("cacert", "cert", "key")),
    ("Kubernetes", tuple(option.key for option in KUBERNETES)),
    ("Hosts", ("hosts", "show_names")),
)
USUAL = {
    *("spec", "recursive", "applied", "requests", "namespace", "files", "tests", "listing", "target", "tolerance"),
    *("format", "output", "web", "accept_gaps", "sign", "context", "image"),
}
HELP = "Help"


class Sectioned(click.Command):
    """A command with many options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        known = super().get_params(ctx)
        whole = click.Option(
            ["--help-all", "help_all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
            help="Show all options and exit.",
        )  # fmt: skip
        return [*known, whole]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        whole = bool(ctx.meta.get(__name__))
        left_out = 0
        named: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None or not isinstance(parameter, click.Option):
                continue
            section = section_of(parameter)
            if whole or parameter.name in USUAL or section == HELP:
                named.setdefault(section, []).append(record)
            else:
                left_out += 1
        for name in (*(name for name, _ in SECTIONS), HELP):
            if name in named:
                with formatter.section(name):
                    formatter.write_dl(named[name])
        if left_out:
            formatter.write_paragraph()
            words = spoken(ctx)
            formatter.write_text(words("{n} more options: {command} --help-all", n=left_out, command=ctx.command_path))


def section_of(parameter: click.Parameter) -> str:
    """The name of the section that an option is shown in."""
    if {"--help", "--help-all", OPTION} & {*parameter.opts}:
        return HELP
    return next((name for name, own in SECTIONS if parameter.name in own), SECTIONS[0][0])


def _show_all(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[__name__] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()
