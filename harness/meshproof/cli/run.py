"""`meshproof run`: the built-in scenarios."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from meshproof.cli.options import Settings, shared
from meshproof.errors import MeshproofError


def _names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from meshproof.run.discover import discover

    try:
        found = discover()
    except MeshproofError:
        return []
    return [
        CompletionItem(one.scenario.name, help=one.scenario.description)
        for one in found
        if one.scenario.name.lower().startswith(incomplete.lower())
    ]


@click.command()
@click.argument("scenarios", nargs=-1, shell_complete=_names)
@click.option("--list", "listing", is_flag=True, help="Only list the scenarios.")
@shared
def run(settings: Settings, scenarios: tuple[str, ...], listing: bool) -> int:
    """Run scenarios: all of them, or those named (by name, or by folder as in `canary`)."""
    from meshproof.cli.execute import execute
    from meshproof.run.discover import discover, select
    from meshproof.run.prepare import prepare

    found = select(discover(), scenarios)
    if listing:
        width = max(len(one.scenario.name) for one in found)
        for one in found:
            click.echo(f"{one.scenario.name:{width}}  {one.folder.name:10}  {one.scenario.description}")
        return 0
    precision = settings.precision.shared(len(found))
    return execute([prepare(one.scenario, one.folder, precision) for one in found], settings)
