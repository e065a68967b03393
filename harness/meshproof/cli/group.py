"""The command group: completion, and one command per file."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import get_completion_class

import meshproof
from meshproof.cli.bundles.replay import replay
from meshproof.cli.certificates.certify import certify
from meshproof.cli.certificates.compare import compare
from meshproof.cli.certificates.verify_certificate import verify_certificate
from meshproof.cli.cluster.capture import capture
from meshproof.cli.diff import diff
from meshproof.cli.explain import explain
from meshproof.cli.help.tree import Root, speaking
from meshproof.cli.hosts import hosts
from meshproof.cli.image import image
from meshproof.cli.intents.test import test
from meshproof.cli.intents.write import intents
from meshproof.cli.lint import lint
from meshproof.cli.options.shared import EXIT_CODES
from meshproof.cli.report import report
from meshproof.cli.run import run
from meshproof.cli.runs import runs
from meshproof.cli.selfcheck import selfcheck
from meshproof.cli.verify import verify
from meshproof.errors import UsageError

NAME = "meshproof"


@click.group(
    cls=Root,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(meshproof.__version__, "-V", "--version")
def group() -> None:
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


@group.command(short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Put the line for yours into its start-up file:

    \b
    bash:  eval "$(meshproof completion bash)"
    zsh:   eval "$(meshproof completion zsh)"
    fish:  meshproof completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    click.echo(kind(group, {}, NAME, f"_{NAME.upper()}_COMPLETE").source())


for command in (
    run,
    verify,
    test,
    intents,
    certify,
    verify_certificate,
    compare,
    capture,
    replay,
    explain,
    lint,
    diff,
    hosts,
    image,
    selfcheck,
    report,
    runs,
):
    group.add_command(command)
speaking(group)
