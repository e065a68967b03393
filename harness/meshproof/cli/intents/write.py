"""`meshproof intents`: a first file of intents, from what the manifests say now."""

from __future__ import annotations

import sys

import click

from meshproof.cli.options.files_and_forms import MANIFESTS


@click.command(short_help="Write a first file of intents for a folder.")
@MANIFESTS
@click.option("-n", "--namespace", default="default", metavar="NAME", help="Namespace of what names none.")
def intents(files: tuple[str, ...], namespace: str) -> int:
    """Write what the manifests make of one request for each of their rules, as intents to be edited.

    As it stands the file holds; it says what is, not what was meant. Read it, and change it to what was.

    \b
    meshproof intents -f k8s/ > intents.yaml
    meshproof test -f k8s/ -t intents.yaml
    """
    from meshproof.intents.writing import first_file
    from meshproof.run.intents.predicted import view_of
    from meshproof.run.verification.reading import specified

    specification = specified(files, namespace=namespace, stdin=sys.stdin)
    click.echo(first_file(view_of(specification, namespace)), nl=False)
    return 0
