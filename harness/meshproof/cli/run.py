"""`meshproof run`: the built-in scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from meshproof.cli.options.sections import Sectioned
from meshproof.cli.options.shared import EXIT_CODES, Settings, shared
from meshproof.errors import MeshproofError

if TYPE_CHECKING:
    from meshproof.inspection import Inspection
    from meshproof.run.discover import Found
    from meshproof.run.prepare import Prepared
    from meshproof.scenario import Scenario
    from meshproof.targets.base import Target


def names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from meshproof.run.discover import discover

    try:
        found = discover()
    except MeshproofError:
        return []
    folders = {one.folder.name: f"all scenarios in {one.folder.name}/" for one in found}
    words = folders | {one.scenario.name: one.scenario.description for one in found}
    wanted = incomplete.lower()
    return [CompletionItem(word, help=text) for word, text in words.items() if word.lower().startswith(wanted)]


@click.command(cls=Sectioned, short_help="Run the built-in scenarios.", epilog=EXIT_CODES)
@click.argument("scenarios", nargs=-1, shell_complete=names, metavar="[SCENARIO]...")
@click.option("--list", "listing", is_flag=True, help="Only list the scenarios: name, folder, what each proves.")
@shared
def run(settings: Settings, scenarios: tuple[str, ...], listing: bool) -> int:
    """Run the built-in scenarios: all of them, or those that are named.

    A folder's name stands for all scenarios in it.

    \b
    meshproof run
    meshproof run CanarySplit
    meshproof run canary -o json
    """
    from meshproof.cli.options.targets import target_of
    from meshproof.run.discover import discover, select
    from meshproof.run.provenance.gather import of_scenarios

    found = select(discover(), scenarios)
    if listing:
        width = max(len(one.scenario.name) for one in found)
        for one in found:
            click.echo(f"{one.scenario.name:{width}}  {one.folder.name:10}  {one.scenario.description}")
        return 0
    target = target_of(settings, selected=[one.scenario for one in found])
    work = prepared(settings, found, target)
    from meshproof.cli.execute import execute

    return execute(target, work, settings, provenance=of_scenarios(found, work, target))


def prepared(
    settings: Settings, found: Sequence[Found[Scenario | Inspection[Any]]], target: Target
) -> list[Prepared | Inspection[Any]]:
    """The scenarios made ready for a target; raises ManifestError and UsageError."""
    from meshproof.run.intents.scenario import prepare_scenario
    from meshproof.scenario import Scenario

    # An inspection draws nothing at random, so it needs no share of the error rates.
    precision = settings.precision.shared(sum(isinstance(one.scenario, Scenario) for one in found))
    proxyless = "ProxylessWorkloads" in target.features
    return [
        prepare_scenario(one.scenario, one.folder, precision, target.namespace, proxyless=proxyless)
        if isinstance(one.scenario, Scenario)
        else one.scenario
        for one in found
    ]
