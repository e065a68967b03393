"""The command line of `meshproof diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshproof.cli.cluster.options import Live, live
from meshproof.cli.help.tree import documents_read, spoken
from meshproof.cli.options.recursive import RECURSIVE, is_recursive
from meshproof.errors import UsageError
from meshproof.language.words import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshproof.manifest.resource import Manifests
    from meshproof.run.explaining.proving import Proof

EXIT_CODES = """\b
Exit codes:
  0  nothing changes for requests
  1  something does, or not all is known
  2  interrupted
  3  the harness or the target broke
  4  a command, an option or a manifest is wrong
"""
CHANGED = 1


@click.command(short_help="Say what a change of manifests changes for requests.", epilog=EXIT_CODES)
@click.option(
    "--git",
    "span",
    default="",
    metavar="BASE[..HEAD]",
    help="Two revisions of the repository here, or one and the files as they are; PATHS are files and folders in them.",
)
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Namespace of what names none, and of the usual client.",
)
@click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="What is printed; markdown is for a comment on a pull request.",
)
@click.option(
    "--prove",
    "proving",
    is_flag=True,
    help="Show each change on real Envoys of this machine: each side does what was predicted of it, and not what was "
    "predicted of the other. Policies of destinations and hashes are not shown.",
)
@RECURSIVE
@live
@click.option("--exit-zero", is_flag=True, help="End with exit code 0 whatever changes.")
@click.argument(
    "paths",
    nargs=-1,
    type=click.Path(),
    metavar="OLD NEW | --git BASE..HEAD PATHS | --target cluster NEW",
)
def diff(
    span: str, namespace: str, form: str, proving: bool, live: Live, exit_zero: bool, paths: tuple[str, ...]
) -> int:
    """Say what changes for requests between two sets of manifests, whatever changes in their text.

    Requests are searched that show each rule of either side, its boundaries and its overlaps with others; each is
    held against both sides. Nothing is started unless --prove asks for it.

    \b
    meshproof diff deployed/ k8s/
    meshproof diff --git main..HEAD -- k8s/
    meshproof diff --git HEAD -- k8s/        (what is not committed yet)
    meshproof diff --target cluster --context staging -n shop k8s/
                                             (what an apply would change)
    """
    from meshproof.collector import collector_paused
    from meshproof.diff.comparison import compare
    from meshproof.diff.sides import sides
    from meshproof.redaction.credentials import redact, redact_all

    with collector_paused():
        both = sides(*(_beside(live, namespace, paths) if live.is_meant else _read(span, namespace, paths)))
        found = compare(*both, namespace, spoken() if form == "text" else ENGLISH)
    proofs: Sequence[Proof] = ()
    if proving:
        from meshproof.cli.diff.prove import proved

        proofs = proved(both, found.changes, namespace)
    if form == "json":
        import json

        from meshproof.diff.render.document import document

        data = document(found)
        if proving:
            data["proofs"] = [{"shown": one.shown, "why": one.why} for one in proofs]
        click.echo(json.dumps(redact_all(data), indent=2))
    else:
        from meshproof.diff.render.text import markdown, text
        from meshproof.report.wording import line

        lines = [*(markdown(found) if form == "markdown" else text(found, spoken()))]
        if proving:
            from meshproof.cli.diff.prove import lines as told

            lines += told(proofs, "- ") if form == "markdown" else told(proofs, "  ", spoken())
        click.echo("\n".join(line(redact(one)) for one in lines))
    return 0 if found.is_same or exit_zero else CHANGED


def _beside(live: Live, namespace: str, paths: tuple[str, ...]) -> tuple[Manifests, Manifests]:
    """What a cluster runs, and the same after these manifests are applied: what they do not name stays."""
    if not paths:
        raise UsageError("name the manifests that the cluster is held against")
    from meshproof.cli.cluster.reading import captured
    from meshproof.manifest import load
    from meshproof.manifest.resource import merge

    new = load(_wide(paths), namespace=namespace, strict=False, progress=documents_read)
    own = {one.namespace for one in (*new.resources, *new.foreign) if one.namespace}
    runs = captured(live, tuple(dict.fromkeys((namespace, *sorted(own)))))
    old = load([], namespace=namespace, strict=False, contents=runs.contents)
    return old, merge(old, new)


def _read(span: str, namespace: str, paths: tuple[str, ...]) -> tuple[Manifests, Manifests]:
    from meshproof.manifest import load

    if not span:
        if len(paths) != 2:
            raise UsageError("name two folders or files, OLD and NEW, or two revisions with --git BASE..HEAD")
        old, new = (load(_wide([path]), namespace=namespace, strict=False, progress=documents_read) for path in paths)
        return old, new
    from meshproof.cli.diff.revisions import as_they_are, contents, revisions
    from meshproof.manifest.resource import Manifests

    if not paths:
        raise UsageError("say which files or folders: meshproof diff --git BASE..HEAD -- k8s/")
    base, head, called = revisions(span)
    deep = is_recursive()
    new_files = contents(head, paths, deep=deep) if head else as_they_are(paths, deep=deep)
    both = contents(base, paths, called, deep=deep), new_files
    if not any(both):
        where = " or ".join(paths)
        if deep:
            raise UsageError(f"--git {span}: neither side has a .yaml, .yml or .json file in {where}")
        raise UsageError(
            f"--git {span}: neither side has a .yaml, .yml or .json file in {where}; without -R subfolders are not read"
        )
    before, after = (
        load([], namespace=namespace, strict=False, contents=files) if files else Manifests(()) for files in both
    )
    return before, after


def _wide(paths: Sequence[str]) -> Sequence[str]:
    from meshproof.manifest.source import beneath

    return beneath(paths) if is_recursive() else paths
