"""The command group: completion, and one command per file."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from meshproof.cli.bundles.replay import replay
from meshproof.cli.certificates.certify import certify
from meshproof.cli.certificates.compare import compare
from meshproof.cli.certificates.verify_certificate import verify_certificate
from meshproof.cli.cluster.capture import capture
from meshproof.cli.diff import diff
from meshproof.cli.explain import explain
from meshproof.cli.help.tree import speaking
from meshproof.cli.hosts import hosts
from meshproof.cli.image import image
from meshproof.cli.intents.test import test
from meshproof.cli.intents.write import intents
from meshproof.cli.lint import lint
from meshproof.cli.report import report
from meshproof.cli.root import NAME, root
from meshproof.cli.run import run
from meshproof.cli.runs import runs
from meshproof.cli.selfcheck import selfcheck
from meshproof.cli.verify import verify
from meshproof.errors import UsageError

group = root()


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
