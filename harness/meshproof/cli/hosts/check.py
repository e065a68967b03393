"""`meshproof hosts check`: are the machines as they should be?"""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from meshproof.cli.options.files_and_forms import COLOR, FORM, OUTPUT
from meshproof.errors import MeshproofError

FOLDER = "hosts"
EXIT_CODES = """\b
Exit codes:
  0  every check passed, or was skipped because nothing is expected
  1  a check failed or stayed inconclusive: a host may not be as expected
  2  interrupted
  3  a host cannot be reached, or something on the way broke: no verdict
  4  an option or the inventory is wrong
  5  nothing was selected
"""


def inspections(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from meshproof.run.discover import discover

    try:
        found = [one.scenario for one in discover() if one.folder.name == FOLDER]
    except MeshproofError:
        return []
    wanted = [one for one in found if one.name.lower().startswith(incomplete.lower())]
    return [CompletionItem(one.name, help=one.description) for one in wanted]


@click.command(short_help="Look at every host, and change nothing.", epilog=EXIT_CODES)
@click.argument("scenarios", nargs=-1, shell_complete=inspections, metavar="[INSPECTION]...")
@click.option(
    "-f",
    "--hosts-file",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The inventory: which hosts there are, how they are reached, what is expected of each.",
)
@click.option(
    "--show-names",
    is_flag=True,
    help="Call hosts by their own names, in reports too. Without it they are worker-1, control-plane-1 …",
)
@FORM
@OUTPUT
@COLOR
def check(
    scenarios: tuple[str, ...], path: Path, show_names: bool, form: str, output: Path | None, color: bool | None
) -> int:
    """Look at every host of an inventory and judge what is found: kernel, boot loader, IPVS, Kubernetes, Istio.

    The inspections are HostKernel, HostIpvs, HostKubernetes and HostIstio; all four where none is named. What the
    inventory expects nothing of is shown, and skipped.

    Nothing is changed. Where root's rights are needed and not had, a check is inconclusive and says so.
    ssh uses your own configuration; a host whose key is not known is refused.

    \b
    meshproof hosts check -f hosts.yaml
    meshproof hosts check -f hosts.yaml HostKernel HostIpvs
    """
    from meshproof.cli.execute import execute_on
    from meshproof.inspection import Inspection
    from meshproof.run.discover import discover, select
    from meshproof.run.options import Options
    from meshproof.run.provenance.gather import of_scenarios
    from meshproof.targets.hosts.target import HostsTarget

    found = select(tuple(one for one in discover() if one.folder.name == FOLDER), scenarios)
    chosen = [one.scenario for one in found if isinstance(one.scenario, Inspection)]
    target = HostsTarget(path, names=show_names)
    made_of = of_scenarios(found, chosen, target)
    return execute_on(target, chosen, Options(), form, output, provenance=made_of, color=color)
