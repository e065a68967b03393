"""`meshproof selfcheck`: proof that the scenarios' checks can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS, Precision
from meshproof.cli.options.kubernetes import on_kubernetes
from meshproof.cli.options.shared import Settings, Within
from meshproof.cli.run import names


@click.command(short_help="Prove that the scenarios' checks can fail.")
@click.argument("scenarios", nargs=-1, shell_complete=names, metavar="[SCENARIO]...")
@click.option("--list", "listing", is_flag=True, help="Only list the mutants.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Run so many of the mutants, drawn at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seeds the sample and the request ids.")
@click.option(
    "--target",
    type=click.Choice(["embedded", "kind", "cluster"]),
    default="embedded",
    show_default=True,
    help="Where the meshes run; on a cluster they stand one after another, so take a sample.",
)
@click.option(
    "-o",
    "--output-format",
    "format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print on stdout.",
)
@click.option(
    "--tolerance",
    type=Within(TOLERANCE_POINTS),
    default=3.0,
    show_default=True,
    metavar="POINTS",
    help="As for `meshproof run`.",
)
@click.option(
    "--alpha",
    type=Within(ERROR_RATES),
    default=0.001,
    show_default=True,
    metavar="RATE",
    help="As for `meshproof run`.",
)
@click.option(
    "--beta",
    type=Within(ERROR_RATES),
    default=0.0001,
    show_default=True,
    metavar="RATE",
    help="Probability that a mutant wrong by the tolerance survives by chance.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for what is found; must be new or empty.",
)
@on_kubernetes
def selfcheck(
    scenarios: tuple[str, ...],
    listing: bool,
    sample: int | None,
    seed: int,
    target: str,
    format: str,
    tolerance: float,
    alpha: float,
    beta: float,
    output: Path | None,
    **kube: Any,
) -> int:
    """Prove that the checks of scenarios can fail: all of them, or those named.

    Each scenario's manifests are made wrong in one place at a time (a shifted weight, a dropped mirror,
    a raised limit, a widened path ...) and put in force, while what is specified stays. Every such
    mutant must be failed. Exits with 0 when all were, and with 1 when one survived.
    """
    from meshproof.cli.options.targets import target_of
    from meshproof.cli.prove import Proof, prove
    from meshproof.report.selfcheck.show import listing as lines
    from meshproof.run.discover import scenarios as discovered
    from meshproof.run.discover import select
    from meshproof.run.selfcheck.mutants import cases
    from meshproof.run.selfcheck.mutants import sample as draw

    precision = Precision(alpha, beta, tolerance / 100)
    place = target_of(Settings(target, format, precision, seed, output, None, (), 0, kube))
    # An inspection puts nothing in force that could be made wrong.
    named = select(discovered(), scenarios)
    found = [one for one in named if set(one.scenario.features) <= place.features]
    if missing := [one.scenario.name for one in named if one not in found]:
        click.echo(f"left out, for the {target} target has not what they need: {', '.join(missing)}", err=True)
    shared = precision.shared(len(found))
    every = [case for one in found for case in cases(one, shared, place.namespace)]
    chosen = draw(every, sample, seed)
    if listing:
        for text in lines(case.judged for case in chosen):
            click.echo(text)
        return 0
    wanted = {case.judged.scenario for case in chosen}
    plain = [one for one in found if one.scenario.name in wanted]
    return prove(
        Proof(place, plain, chosen, sum(case.prepared is not None for case in every), precision, shared, seed),
        format,
        output,
    )
