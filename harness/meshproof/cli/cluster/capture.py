"""`meshproof capture`: what a live cluster runs, in one file that explains and verifies anywhere."""

from __future__ import annotations

from pathlib import Path

import click

import meshproof
from meshproof.cli.cluster.options import ACCESS, CONTEXT, EVERYWHERE, Live
from meshproof.cli.help.tree import spoken
from meshproof.errors import UsageError

EXIT_CODES = """\b
Exit codes:
  0  the bundle is written
  2  interrupted
  3  the cluster cannot be read
  4  a command or an option is wrong
"""


@click.command(short_help="Keep what a live cluster runs, in one file.", epilog=EXIT_CODES)
@CONTEXT
@ACCESS[0]
@ACCESS[1]
@ACCESS[2]
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAME",
    help="A namespace whose workloads are read, beside istio-system (repeatable).",
)
@EVERYWHERE
@click.option(
    "--secrets", is_flag=True, help="The Secrets that gateways name, too, private keys and all; never without this."
)
@click.option("--no-dumps", is_flag=True, help="Ask no proxy for its configuration.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bundle.tar.gz"),
    show_default=True,
    metavar="FILE",
    help="The bundle.",
)
def capture(
    context: str,
    kubeconfig: str,
    allow: tuple[str, ...],
    revision: str,
    namespaces: tuple[str, ...],
    everywhere: bool,
    secrets: bool,
    no_dumps: bool,
    output: Path,
) -> int:
    """Read what a cluster runs, and write it into a bundle that `meshproof replay` takes anywhere.

    Nothing in the cluster is changed. In the bundle are the kinds that route, of Istio and of the Gateway API,
    Services, workloads by their labels, ports and readiness, the mesh configuration, versions, and the proxies' own
    configuration where ports may be forwarded. Variables, arguments, annotations that Istio does not read, and
    whatever looks like a credential are left out, and counted in its index. docs/rbac.yaml has the rights as
    meshproof-capture. The same cluster gives the same bytes.

    \b
    meshproof capture --context staging -n shop
    meshproof replay bundle.tar.gz --request http://reviews.shop:9080/
    """
    if bool(namespaces) == everywhere:
        raise UsageError("say which namespaces are read: -n NAME, or -A for all")
    live = Live("cluster", context, kubeconfig, allow, revision, everywhere)
    assert live.is_meant
    from meshproof.cli.cluster.reading import captured
    from meshproof.report.bundle.archive import packed
    from meshproof.report.bundle.of_cluster import of_cluster
    from meshproof.report.run_folder import write

    found = captured(live, namespaces, secrets=secrets, dumps=not no_dumps, kept=True)
    bundle = of_cluster(found, meshproof.__version__)
    data = packed(bundle)
    write(output, data)
    words, n, dumps = spoken(), f"{len(found.documents):,}", len(found.dumps)
    click.echo(words("{path}: {n} objects, {dumps} configurations of proxies", path=output, n=n, dumps=dumps))
    for name, count in found.left_out.items():
        click.echo(words("  left out: {n} {what}", n=f"{count:,}", what=name))
    for what in found.unread:
        click.echo(words("  not read: {what}", what=what))
    return 0
