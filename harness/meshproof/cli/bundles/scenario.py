"""A built-in scenario of a bundle, run again."""

from __future__ import annotations

from pathlib import Path

import click

from meshproof.cli.execute import execute
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.shared import Settings
from meshproof.cli.options.targets import target_of
from meshproof.cli.run import prepared
from meshproof.report.bundle.index import Bundle
from meshproof.run.discover import discover
from meshproof.run.keep import kept_alike
from meshproof.run.prepare import Prepared
from meshproof.run.provenance.gather import of_scenarios


def again(bundle: Bundle, form: str, output: Path, color: bool | None) -> int | None:
    """The exit code of the scenario; None where none of this name has these manifests here, which is said."""
    found = [one for one in discover() if one.scenario.name == bundle.scenario]
    settings = Settings("embedded", form, bundle.precision, bundle.seed, output, color, (), 0, {})
    target = target_of(settings)
    for work in prepared(settings, found[:1], target):
        if isinstance(work, Prepared) and kept_alike(work, bundle.files[bundle.specified]):
            return execute(target, [work], settings, provenance=of_scenarios(found[:1], [work], target))
    words = spoken()
    why = words("the built-in one has other manifests") if found else words("none of its name is built in")
    message = words(
        "scenario {name}: {why}; its manifests are verified with its requests instead", name=bundle.scenario, why=why
    )
    click.echo(message, err=True)
    return None
