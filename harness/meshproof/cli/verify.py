"""`meshproof verify`: one's own YAML held against what runs."""

from __future__ import annotations

import sys

import click

from meshproof.border.request import parse
from meshproof.cli.options import Settings, shared


@click.command()
@click.option(
    "-f",
    "--filename",
    "spec",
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="The specification: manifests that expectations are derived from (repeatable; - is stdin).",
)
@click.option(
    "--applied",
    multiple=True,
    metavar="FILE|DIR",
    help="What really runs, when that is not the specification itself: so drift is found (repeatable).",
)
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'[METHOD] URL [HEADER:VALUE ...]'",
    help="A request to verify (repeatable). When none is named they are guessed from the routes.",
)
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of manifests that name none.")
@shared
def verify(
    settings: Settings, spec: tuple[str, ...], applied: tuple[str, ...], requests: tuple[str, ...], namespace: str
) -> int:
    """Verify that a mesh does what manifests say.

    \b
    meshproof verify -f k8s/
    meshproof verify -f k8s/ --applied deployed/ --request 'GET http://helloworld:5000/hello'
    """
    from meshproof.cli.execute import execute
    from meshproof.run.prepare import prepare_verification

    prepared = prepare_verification(
        spec,
        applied,
        tuple(parse(text) for text in requests),
        settings.precision,
        namespace=namespace,
        stdin=sys.stdin,
    )
    return execute([prepared], settings)
