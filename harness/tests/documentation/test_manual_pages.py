"""Each command has a manual page with all its options, the lines of its examples, and its exit codes."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import click
from meshproof.cli.group import group
from meshproof.suite import folder

SOURCE = folder("scenarios").parent / "docs" / "manual_pages.py"


def written(into: Path) -> list[Path]:
    spec = importlib.util.spec_from_file_location("manual_pages", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: list[Path] = module.write(into)
    return made


def commands(of: click.Command, name: str) -> dict[str, click.Command]:
    found = {name: of}
    for inner, command in of.commands.items() if isinstance(of, click.Group) else ():
        found |= commands(command, f"{name}-{inner}")
    return found


def test_every_command_has_a_page_with_all_its_options(tmp_path: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in written(tmp_path)}
    known = commands(group, "meshproof")
    assert set(pages) == set(known)
    for name, command in known.items():
        options = [one for one in command.params if isinstance(one, click.Option)]
        shown = pages[name].replace("\\-", "-")
        assert [one.opts for one in options if one.opts[-1] not in shown] == [], name
    assert "\nmeshproof verify \\-f k8s/\n" in pages["meshproof-verify"]
    assert ".SH EXIT CODES\n.nf\n  0  every check passed\n" in pages["meshproof-run"]
    if shutil.which("groff"):
        for name in pages:
            words = ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", str(tmp_path / f"{name}.1")]
            done = subprocess.run(words, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), name
