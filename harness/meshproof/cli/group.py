"""The command group: completion, and one command per file."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

import meshproof
from meshproof.cli.report import report
from meshproof.cli.run import run
from meshproof.cli.verify import verify
from meshproof.errors import UsageError

NAME = "meshproof"
EXIT_CODES = """\b
Exit codes:
  0  every check passed
  1  a check failed or stayed inconclusive: the mesh is not what its YAML says
  2  interrupted
  3  the harness or the target broke: no verdict
  4  a command, an option, a manifest or a prerequisite is wrong
  5  nothing was selected
"""


@click.group(
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(meshproof.__version__, "-V", "--version")
def group() -> None:
    """Prove that a service mesh does what its YAML says.

    Real Envoy routes real Locust traffic by your Istio manifests, and a verdict with known error
    rates comes out. Without any cluster: the embedded mesh needs neither Docker nor root.
    """


@group.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  eval "$(meshproof completion bash)"
    zsh:   eval "$(meshproof completion zsh)"
    fish:  meshproof completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    click.echo(kind(group, {}, NAME, f"_{NAME.upper()}_COMPLETE").source())


for command in (run, verify, report):
    group.add_command(command)
