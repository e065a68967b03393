"""`meshproof replay`: a run of a person's own manifests, done again on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshproof.border.request import parse
from meshproof.cli.options.files_and_forms import COLOR, FORM, OUTPUT
from meshproof.cli.options.shared import EXIT_CODES

if TYPE_CHECKING:
    from meshproof.report.bundle.index import Bundle

EXPLAINED = 5


@click.command(short_help="Do a failing run again, anywhere.", epilog=EXIT_CODES)
@click.argument("bundle", type=click.Path(exists=True, path_type=Path), metavar="BUNDLE|RUN")
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'[METHOD] URL [HEADER:VALUE ...]'",
    help="Only this request, explained first (repeatable).  [default: those of the run]",
)
@click.option(
    "--expect",
    "wanted",
    type=click.Path(exists=True),
    multiple=True,
    metavar="FILE|DIR",
    help="Manifests that take the place of those of the bundle as what is specified; what the bundle has is applied "
    "(repeatable).",
)
@FORM
@OUTPUT
@COLOR
def replay(
    bundle: Path,
    requests: tuple[str, ...],
    wanted: tuple[str, ...],
    form: str,
    output: Path | None,
    color: bool | None,
) -> int:
    """Verify again, on the embedded mesh of this machine, what a run verified, wherever that was.

    A run that did not pass leaves bundle.tar.gz in its folder. It holds the manifests without credentials and how
    they were verified, and no command: nothing in it is carried out. RUN is such a run's folder. Requests that are
    named are explained first, as `meshproof explain` does.

    A built-in scenario is run again as it stands here, where that has the same manifests; the manifests of any other
    one are verified with its requests.

    \b
    meshproof replay bundle.tar.gz
    meshproof replay meshproof-runs/TODAY --request http://helloworld:5000/hello
    meshproof replay bundle.tar.gz --expect k8s/     (a cluster's, by capture)
    """
    for one in requests:
        parse(one)
    from meshproof.cli.bundles.scenario import again

    found = _read(bundle)
    if requests:
        found = replace(found, question=replace(found.question, requests=requests))
    from meshproof.process import OwnedFolder
    from meshproof.report.run_folder import choose, new_run_id

    kept, before = choose(new_run_id(), output).absolute(), Path.cwd()
    wanted = tuple(str(Path(one).absolute()) for one in wanted)
    folder = OwnedFolder.make("meshproof-")
    try:
        for name, data in found.files.items():
            file = folder.path / name
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_bytes(data)
        # Manifests are called by the names that they have in the run's folder, and so are places in them.
        os.chdir(folder.path)
        if found.scenario and not (requests or wanted) and (code := again(found, form, kept, color)) is not None:
            return code
        return _verified(found, (*_but_for(found, wanted), *wanted), form, kept, color)
    finally:
        os.chdir(before)
        folder.remove()


def _read(path: Path) -> Bundle:
    from meshproof.report.bundle.archive import read
    from meshproof.report.bundle.of_run import of_run
    from meshproof.report.log import replay as events
    from meshproof.report.record import gather
    from meshproof.report.run_folder import EVENTS

    if path.is_dir():
        return of_run(path, gather(events(path / EVENTS)))
    return read(path)


def _but_for(found: Bundle, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """What is specified of the bundle beside what a person wants: its file, or one without those objects."""
    if not wanted:
        return (found.specified,)
    from meshproof.manifest import load
    from meshproof.mesh.build.assemble import build_all
    from meshproof.run.keep import documents

    namespace = found.question.namespace or "default"
    own = load(wanted, namespace=namespace, strict=False)
    taken = {one.identity for one in (*own.resources, *own.foreign)}
    whole = load([found.specified], namespace=namespace, strict=False)
    rest = replace(
        whole,
        resources=tuple(one for one in whole.resources if one.identity not in taken),
        foreign=tuple(one for one in whole.foreign if one.identity not in taken),
        refusals=tuple(one for one in whole.refusals if not (one.resource and one.resource.identity in taken)),
    )
    kept = [*documents(build_all(rest), [word for one in rest.refusals for word in one.words])]
    file = Path("manifests", "rest", "specified-0.yaml")
    file.parent.mkdir(mode=0o700, parents=True)
    file.write_bytes(b"".join(kept))
    return (str(file),) if kept else ()


def _verified(found: Bundle, spec: tuple[str, ...], form: str, output: Path, color: bool | None) -> int:
    from meshproof.cli.options.manifests import Asked, prepared
    from meshproof.cli.options.shared import Settings

    question = found.question
    applied = () if spec == (found.applied,) else (found.applied,)
    asked = Asked(
        spec,
        applied,
        question.requests,
        question.namespace,
        question.sender,
        False,
        question.strict,
        question.thorough,
        found.allowed,
        "",
        "",
        "",
    )
    settings = Settings("embedded", form, found.precision, found.seed, output, color, (), 0, {})
    same = _same_as_the_proxies(found)
    _explain(found, spec, applied, form)
    target, verification = prepared(settings, asked)
    from meshproof.cli.execute import execute
    from meshproof.run.exit_codes import EXIT_FAILED, EXIT_PASSED, VerdictCode
    from meshproof.run.provenance.gather import of_verification

    made_of = of_verification(verification, target, question, found.allowed)
    code = execute(target, verification.work, settings, verification.coverage, made_of)
    # What the cluster's own proxies do otherwise is not proved here.
    return code if same or code != EXIT_PASSED else VerdictCode(EXIT_FAILED)


def _same_as_the_proxies(found: Bundle) -> bool:
    """Say first where the proxies of a captured cluster run something else than is made of its objects here."""
    from meshproof.report.bundle.of_cluster import dumps

    several = list(dumps(found, "bundle"))
    if not several:
        return True
    from meshproof.cli.cluster.beside import lines
    from meshproof.cli.help.tree import spoken
    from meshproof.manifest import load
    from meshproof.mesh.build.assemble import build_all
    from meshproof.report.wording import line
    from meshproof.run.explaining.beside_dump import whole

    contents = [(found.specified, found.files[found.specified])]
    built = build_all(load([], namespace=found.question.namespace or "default", strict=False, contents=contents))
    compared = list(whole(built, several))
    for one in sorted(compared, key=lambda beside: not beside.differs):
        for told in lines(one, spoken()):
            click.echo(line(told), err=True)
    return not any(one.differs for one in compared)


def _explain(found: Bundle, spec: tuple[str, ...], applied: tuple[str, ...], form: str) -> None:
    """Say of each named request what the specification makes of it, and what something else makes that is applied."""
    if form != "table":
        return
    from meshproof.cli.explain.answer import Question, compared, explained

    question = found.question
    for one in question.requests[:EXPLAINED]:
        asked = Question(parse(one), question.namespace or "default", question.sender, "", "text")
        if applied:
            compared(asked, spec, applied)
        else:
            explained(asked, spec, None)
        click.echo()
