"""`meshproof selfcheck`: proof that the checks of scenarios can fail, or those of one's own manifests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meshproof.border.request import Request, parse
from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS, Precision
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.kubernetes import on_kubernetes
from meshproof.cli.options.recursive import RECURSIVE, widened
from meshproof.cli.options.shared import Settings, Within
from meshproof.cli.run import names
from meshproof.errors import UsageError

if TYPE_CHECKING:
    from meshproof.cli.prove import Proof
    from meshproof.targets.base import Target

BETA, OWN_BETA = 0.0001, 0.01
SAMPLE = 60


@click.command(short_help="Prove that the scenarios' checks can fail.")
@click.argument("scenarios", nargs=-1, shell_complete=names, metavar="[SCENARIO]...")
@click.option(
    "-f",
    "--filename",
    "files",
    type=click.Path(),
    multiple=True,
    metavar="FILE|DIR",
    callback=widened,
    help="Your own manifests, in the place of scenarios: which wrong ones `meshproof verify` would miss (repeatable).",
)
@RECURSIVE
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'[METHOD] URL [HEADER:VALUE ...]'",
    help="With -f: a request to verify (repeatable).  [default: those of `meshproof verify`]",
)
@click.option(
    "-n",
    "--namespace",
    default="",
    metavar="NAME",
    help="With -f: the namespace of what names none.  [default: default]",
)
@click.option("--list", "listing", is_flag=True, help="Only list the mutants.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run so many of the mutants, drawn at random.  [default: all; with -f 60]",
)
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
    default=None,
    metavar="RATE",
    help="Probability that a mutant wrong by the tolerance survives by chance.  [default: 0.0001; with -f 0.01, as in "
    "`meshproof verify`]",
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
    files: tuple[str, ...],
    requests: tuple[str, ...],
    namespace: str,
    listing: bool,
    sample: int | None,
    seed: int,
    target: str,
    format: str,
    tolerance: float,
    alpha: float,
    beta: float | None,
    output: Path | None,
    **kube: Any,
) -> int:
    """Prove that the checks of scenarios can fail: all of them, or those named.

    Each scenario's manifests are made wrong in one place at a time (a shifted weight, a dropped mirror,
    a raised limit, a widened path ...) and put in force, while what is specified stays. Every such
    mutant must be failed. Exits with 0 when all were, and with 1 when one survived.

    With -f the manifests are your own, and `meshproof verify` must fail what is made wrong in them: what survives is
    what a green verdict on them does not exclude.

    \b
    meshproof selfcheck canary
    meshproof selfcheck -f k8s/ --sample 20
    """
    from meshproof.cli.options.targets import target_of
    from meshproof.cli.prove import prove
    from meshproof.redaction.credentials import redact
    from meshproof.report.selfcheck.show import listing as lines

    if files and scenarios:
        raise UsageError("-f takes the place of scenarios: name either")
    if not files and (requests or namespace):
        raise UsageError(f"{'--request' if requests else '-n'} is for your own manifests: name them with -f")
    if namespace and target != "embedded":
        raise UsageError("-n is for the embedded mesh: on a cluster everything stands in the run's own namespace")
    rate = beta if beta is not None else OWN_BETA if files else BETA
    precision = Precision(alpha, rate, tolerance / 100)
    place = target_of(Settings(target, format, precision, seed, output, None, (), 0, kube))
    proof = (
        _of_folder(place, files, tuple(parse(text) for text in requests), namespace, precision, sample or SAMPLE, seed)
        if files
        else _of_scenarios(place, scenarios, precision, sample, seed)
    )
    if listing:
        for text in lines(case.judged for case in proof.cases):
            click.echo(redact(text))
        return 0
    return prove(proof, format, output)


def _of_scenarios(
    place: Target, scenarios: Sequence[str], precision: Precision, sample: int | None, seed: int
) -> Proof:
    from meshproof.cli.prove import Proof
    from meshproof.run.discover import scenarios as discovered
    from meshproof.run.discover import select
    from meshproof.run.prepare import prepare
    from meshproof.run.selfcheck.mutants import cases
    from meshproof.run.selfcheck.mutants import sample as draw

    # An inspection puts nothing in force that could be made wrong.
    named = select(discovered(), scenarios)
    found = [one for one in named if set(one.scenario.features) <= place.features]
    if missing := [one.scenario.name for one in named if one not in found]:
        words = spoken()
        names = words.listed(missing)
        text = words(
            "left out, for the {target} target has not what they need: {names}", target=place.name, names=names
        )
        click.echo(text, err=True)
    shared = precision.shared(len(found))
    every = [case for one in found for case in cases(one, shared, place.namespace)]
    chosen = draw(every, sample, seed)
    wanted = {case.judged.scenario for case in chosen}
    plain = [prepare(one.scenario, one.folder, shared, place.namespace) for one in found if one.scenario.name in wanted]
    return Proof(place, plain, chosen, sum(case.prepared is not None for case in every), precision, shared, seed)


def _of_folder(
    place: Target,
    files: Sequence[str],
    requests: Sequence[Request],
    namespace: str,
    precision: Precision,
    size: int,
    seed: int,
) -> Proof:
    from meshproof.cli.prove import Proof
    from meshproof.run.selfcheck.folder import draw, read_folder

    folder = read_folder(
        files,
        requests,
        precision,
        namespace=namespace or place.namespace,
        probed="ProbeWorkload" in place.features,
        proxyless="ProxylessWorkloads" in place.features,
        any_client="AnyClient" in place.features,
        limits=place.unsupported,
    )
    words = spoken()
    text = words("{folder}: {n} mutants are drawn with seed {seed} and prepared", folder=folder.name, n=size, seed=seed)
    click.echo(text, err=True)
    chosen, found = draw(folder, size, seed)
    ran = sum(case.judged.counts for case in chosen)
    click.echo(words("{folder}: {n} of {all} mutants are tried", folder=folder.name, n=ran, all=found), err=True)
    return Proof(
        place,
        folder.verification.driven,
        chosen,
        found,
        precision,
        precision,
        seed,
        folder.name,
        (folder.coverage,),
        folder.manifests.sources,
    )
