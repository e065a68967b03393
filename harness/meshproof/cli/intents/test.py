"""`meshproof test`: manifests held against what a person wants of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from meshproof.cli.help.tree import documents_read
from meshproof.cli.options.files_and_forms import MANIFESTS_OR_CLUSTER
from meshproof.cli.options.sections import Sectioned
from meshproof.cli.options.shared import EXIT_CODES, Settings, shared_with
from meshproof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshproof.run.intents.predicted import Predicted
    from meshproof.run.verification.specification import Specification
    from meshproof.targets.base import Target


@click.command(cls=Sectioned, short_help="Hold manifests against what you want of them.", epilog=EXIT_CODES)
@MANIFESTS_OR_CLUSTER
@click.option(
    "-t",
    "--intents",
    "tests",
    type=click.Path(),
    multiple=True,
    required=True,
    metavar="FILE|DIR",
    help="Intents: what must become of requests; or files of istio-config-validator (repeatable).",
)
@click.option("--static", is_flag=True, help="Decide by prediction alone, in milliseconds; no process is started.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Fail where intents reach fewer of the rules.",
)
@click.option(
    "-n",
    "--namespace",
    default="",
    metavar="NAME",
    help="Namespace of what names none, and of the client.  [default: default; on a cluster the run's own]",
)
@click.option(
    "--no-apply",
    "untouched",
    is_flag=True,
    help="Prove it on what a cluster runs already; only a client is added (with --target cluster). Without -f the "
    "intents are held against what the cluster runs, with --static by prediction alone: then nothing is added.",
)
@click.option(
    "--thorough", is_flag=True, help="Search all boundary probes for what must never be, and wait for long timeouts."
)
@click.option(
    "--allow-unproven",
    multiple=True,
    metavar="KIND",
    help="A kind, such as EnvoyFilter, that need not be understood for a pass (repeatable).",
)
@click.option("--cacert", type=click.Path(), default="", metavar="FILE", help="As of verify.")
@click.option("--cert", type=click.Path(), default="", metavar="FILE", help="As of verify.")
@click.option("--key", type=click.Path(), default="", metavar="FILE", help="As of verify.")
@shared_with("text")
def test(
    settings: Settings,
    files: tuple[str, ...],
    tests: tuple[str, ...],
    static: bool,
    min_coverage: float,
    namespace: str,
    untouched: bool,
    thorough: bool,
    allow_unproven: tuple[str, ...],
    cacert: str,
    cert: str,
    key: str,
) -> int:
    """Hold manifests against intents: what you want to become of requests.

    Each intent is decided by prediction first, and then proved on real Envoy. What is not understood is
    inconclusive; a difference between prediction and proof is an error.

    \b
    meshproof intents -f k8s/ > intents.yaml     (a first file, to be edited)
    meshproof test -f k8s/ -t intents.yaml
    meshproof test -f k8s/ -t intents.yaml --static --min-coverage 90
    meshproof test -t intents.yaml --static --target cluster --context staging \\
      -n shop --no-apply
    """
    from meshproof.cli.options.client_tls import client_tls
    from meshproof.cli.options.targets import target_of
    from meshproof.intents.reading.read import read_intents
    from meshproof.run.intents.predicted import hosts, predict_intents
    from meshproof.run.verification.reading import specified
    from meshproof.run.verification.specification import nothing_more

    runs = untouched and settings.target == "cluster" and not files
    if not files and not runs:
        raise UsageError(
            "say what is tested: manifests with -f, or what a cluster runs with --target cluster --context NAME "
            "--no-apply"
        )
    if static and (untouched or settings.target != "embedded") and not runs:
        raise UsageError("--static starts nothing, so it asks no target: leave out --target and --no-apply")
    if namespace and settings.target != "embedded" and not untouched:
        raise UsageError("-n is for what runs already (--no-apply): else everything stands in the run's own namespace")
    wanted = read_intents(tests)
    tls = client_tls(cacert, cert, key)
    target = None if static else target_of(settings, applying=not untouched)
    if target and "AnyClient" not in target.features and (at := next((one for one in wanted if one.client), None)):
        raise UsageError(
            f"{at.location}: from is for the embedded mesh: on a cluster the client is a pod of the run's own"
        )
    own = namespace or (target.namespace if target and not untouched else "default")
    specification = specified(
        files,
        namespace=own,
        client=target.namespace if target and untouched else "",
        precision=settings.precision,
        tls=tls,
        probed=target is None or "ProbeWorkload" in target.features,
        allowed=frozenset(allow_unproven),
        thorough=thorough,
        hosts=hosts(wanted),
        stdin=sys.stdin,
        progress=documents_read,
        limits=target.unsupported if target else nothing_more,
        contents=_runs(settings, own) if runs else None,
    )
    predicted = predict_intents(specification, wanted, own)
    return _told(settings, target, specification, predicted, tests, min_coverage, drift=untouched)


def _runs(settings: Settings, namespace: str) -> tuple[tuple[str, bytes], ...]:
    """What the cluster runs, as files by their names."""
    from meshproof.cli.cluster.options import Live
    from meshproof.cli.cluster.reading import captured

    kube = settings.kube
    allow = tuple(one for one in kube["allow"] if one == "production")
    live = Live("cluster", kube["context"], kube["kubeconfig"], allow, kube["revision"], False)
    return captured(live, (namespace,)).contents if live.is_meant else ()


def _told(
    settings: Settings,
    target: Target | None,
    specification: Specification,
    predicted: Predicted,
    tests: Sequence[str],
    min_coverage: float,
    *,
    drift: bool,
) -> int:
    from meshproof.cli.intents.report import report
    from meshproof.run.intents.outcome import by_prediction
    from meshproof.run.verification.specification import notices_of

    # That the intents stand beside the manifests is no news here.
    notices = [one for one in notices_of(specification) if one.location.file not in tests]
    if target is None:
        return report(settings, predicted, by_prediction(predicted), notices, min_coverage)
    from meshproof.cli.intents.proof import proved

    verdicts, kept, code = proved(settings, target, predicted, notices, drift=drift)
    return report(settings, predicted, verdicts, notices, min_coverage, kept=kept, code=code)
