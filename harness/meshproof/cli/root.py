"""The command itself, before it has commands of its own."""

from __future__ import annotations

from pathlib import Path

import click

import meshproof
from meshproof.cli.help.tree import Root
from meshproof.cli.options.exit_codes import EXIT_CODES
from meshproof.errors import UsageError

NAME = "meshproof"


def root() -> click.Group:
    """It, made anew."""
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    versioned = click.version_option(meshproof.__version__, "-V", "--version")
    return click.group(NAME, cls=Root, epilog=EXIT_CODES, context_settings=settings)(versioned(begin))


def begin() -> None:
    """Prove that a service mesh does what its YAML says.

    Real Envoy routes real Locust traffic by your Istio manifests, and a verdict with known error
    rates comes out. No cluster, no Docker and no root are needed; with --target it is done on
    a real cluster.

    \b
    meshproof run               prove the built-in scenarios
    meshproof verify -f DIR     prove your own manifests
    meshproof test -f DIR -t INTENTS
                                hold them against what you want of them
    meshproof explain -f DIR    say which rule takes a request, and why
    meshproof diff OLD NEW      say what a change changes for requests
    meshproof lint -f DIR       say what is doubtful in them
    meshproof hosts check       look at the machines below a cluster
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working folder has been deleted: change to one that is there") from None
