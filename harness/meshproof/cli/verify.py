"""`meshproof verify`: one's own YAML compared with what runs."""

from __future__ import annotations

import sys

import click

from meshproof.border.request import parse
from meshproof.cli.options.shared import EXIT_CODES, Settings, shared
from meshproof.errors import UsageError


@click.command(short_help="Compare what runs with your own manifests.", epilog=EXIT_CODES)
@click.option(
    "-f",
    "--filename",
    "spec",
    type=click.Path(allow_dash=True),
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="The specification: manifests that say what must happen (repeatable; - is standard input).",
)
@click.option(
    "--applied",
    type=click.Path(),
    multiple=True,
    metavar="FILE|DIR",
    help="What really runs, to find out how it differs from the specification (repeatable).  "
    "[default: the specification itself]",
)
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'[METHOD] URL [HEADER:VALUE ...]'",
    help="A request to verify (repeatable).  [default: one for each route, and many about the boundaries of its rules "
    "and where two of them overlap]",
)
@click.option(
    "-n",
    "--namespace",
    default="",
    metavar="NAME",
    help="Namespace of what names none.  [default: default; on a cluster the run's own]",
)
@click.option(
    "--from",
    "sender",
    default="",
    metavar="CLIENT",
    help="Who sends the requests within the mesh: NAMESPACE, NAMESPACE/WORKLOAD, or LABEL=VALUE,… (after NAMESPACE/).  "
    "[default: a client of -n without labels, and for each rule that is for others, one that it is for]",
)
@click.option(
    "--no-apply",
    "untouched",
    is_flag=True,
    help="Compare what a cluster runs already with the specification; only a client is added (with --target cluster).",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse, before anything is started, manifests of which anything is not read, not modelled or wrong.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Leave nothing out: every probe, each of its shares to the tolerance, and policies that take minutes to show.",
)
@click.option(
    "--allow-unproven",
    multiple=True,
    metavar="KIND",
    help="A kind, such as EnvoyFilter, that need not be understood for a pass; the report says so (repeatable).",
)
@click.option(
    "--cacert",
    type=click.Path(),
    default="",
    metavar="FILE",
    help="The authority that a gateway's client trusts, in PEM.  [default: the certificate in the gateway's Secret]",
)
@click.option(
    "--cert",
    type=click.Path(),
    default="",
    metavar="FILE",
    help="The client's certificate, in PEM: without it a MUTUAL gateway is verified to refuse, and no further.",
)
@click.option(
    "--key", type=click.Path(), default="", metavar="FILE", help="Its private key, where that is not in the same file."
)
@shared
def verify(
    settings: Settings,
    spec: tuple[str, ...],
    applied: tuple[str, ...],
    requests: tuple[str, ...],
    namespace: str,
    sender: str,
    untouched: bool,
    strict: bool,
    thorough: bool,
    allow_unproven: tuple[str, ...],
    cacert: str,
    cert: str,
    key: str,
) -> int:
    """Run a mesh, and compare what its traffic does with what your manifests say.

    The manifests are those that a cluster would get: Services and Deployments, VirtualServices,
    DestinationRules, Gateways and their Secrets. Each Deployment is stood in for by small processes that
    answer in its place; so are, with a notice, workloads, Services and certificates that rules refer to and
    that are not among the manifests.

    \b
    meshproof verify -f k8s/
    meshproof verify -f k8s/ --applied deployed/ \\
      --request 'GET http://helloworld:5000/hello'
    meshproof verify -f k8s/ --target cluster --context staging --image REF \\
      -n shop --no-apply
    """
    from meshproof.cli.options.client_tls import client_tls
    from meshproof.cli.options.targets import target_of
    from meshproof.run.verification.verification import prepare_verification

    if untouched and applied:
        raise UsageError("--no-apply takes what runs from the cluster, and --applied from files: give one of them")
    if namespace and settings.target != "embedded" and not untouched:
        raise UsageError("-n is for what runs already (--no-apply): else everything stands in the run's own namespace")
    tls = client_tls(cacert, cert, key)
    target = target_of(settings, applying=not untouched)
    if sender and "AnyClient" not in target.features:
        raise UsageError("--from is for the embedded mesh: on a cluster the client is a pod of the run's own")
    verification = prepare_verification(
        spec,
        applied,
        tuple(parse(text) for text in requests),
        settings.precision,
        namespace=namespace or ("default" if untouched else target.namespace),
        client=target.namespace if untouched else namespace,
        probed="ProbeWorkload" in target.features,
        proxyless="ProxylessWorkloads" in target.features,
        tls=tls,
        limits=target.unsupported,
        allowed=frozenset(allow_unproven),
        strict=strict,
        stdin=sys.stdin,
        sender=sender,
        any_client="AnyClient" in target.features,
        stand_ins="ProbeWorkload" in target.features,
        thorough=thorough,
        progress=lambda number: click.echo(f"{number:,} documents read", err=True),
    )
    # What is wrong with the manifests has been reported by now, without the half second that this import takes.
    from meshproof.cli.execute import execute

    return execute(target, [verification.inspection, *verification.driven], settings, verification.coverage)
