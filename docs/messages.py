"""Finds all that meshproof says of itself, and brings the catalogues up to date: `python docs/messages.py`.

The texts are those of the tree of commands, of the templates and scripts of `reports/`, of calls of `words` in the
package, and of errors without a place in a manifest. New ones are put into the catalogue without a translation, those
that nobody says any more are taken out.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
from error_texts import error_texts
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from manual_pages import contexts
from meshproof.border.verdict import Outcome
from meshproof.cli.group import group
from meshproof.cli.help.formatter import VERBATIM, paragraphs
from meshproof.cli.options.sections import HELP, SECTIONS
from meshproof.cli.root import NAME
from meshproof.language.catalogue import FOLDER
from meshproof.language.catalogue import NAME as CATALOGUE
from meshproof.language.words import CLICK, ERROR
from meshproof.report.headline.headline import Headline
from meshproof.report.html.environment import SAID
from meshproof.report.html.page import STATE, UNDER_WAY
from meshproof.report.html.pictures.steps import KINDS
from meshproof.report.html.sections import TITLES
from meshproof.report.kept.listing import UNFINISHED
from meshproof.report.selfcheck.record import MutantStatus
from meshproof.report.web.board import RUNNING, WAITING
from meshproof.run.explaining.flags import FLAGS

ROOT = Path(__file__).parent.parent
# Named by a value where they are said.
VALUES = (
    *(one.value for one in Outcome), *(one.value for one in Headline),
    *(one.value for one in MutantStatus), *TITLES.values(), *(text for _, text in KINDS),
    *(meaning for _, meaning in FLAGS.values()),
    *("interrupted", UNFINISHED, STATE, UNDER_WAY, WAITING, RUNNING, HELP), *(name for name, _ in SECTIONS),
    *("Usage: ", "Error: ", "Options", "Commands", "{n} rule", "{n} request", "{n} object"),
)  # fmt: skip
# Of click: help of its own options, and what it says of command lines (click/exceptions.py, types.py, core.py).
CLICKS = (
    "Try '{command} {option}' for help.", "No such option '{name}'.", "No such command '{name}'.",
    "{what} Did you mean '{name}'?", "{what} (Did you mean one of: {names}?)", "Missing command.",
    "Missing option {name}.", "Missing argument {name}.", "Missing option {name}. Choose from:\n\t{choices}",
    "Missing argument {name}. Choose from:\n\t{choices}", "Invalid value for {param_hint}: {message}",
    "Option '{name}' requires an argument.", "Option '{name}' does not take a value.",
    "Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})",
    "'{value}' is not one of {choices}.", "'{value}' is not a valid {number_type}.",
    "{value} is not in the range {range}.", "{name} '{filename}' does not exist.", "{name} '{filename}' is a file.",
    "{name} '{filename}' is a directory.", "File", "Directory", "Path", "float range", "integer range", "integer",
    "float", "default: {default}", "required", "{value} is not a number", "{value} is not {name}, as in 5000=15000",
    "{value}: a port is a number from 1 to 65535",
)  # fmt: skip
# In a paragraph that is kept as it stands: columns, or a remark. Commands alone are the same in every language.
PROSE = re.compile(r"\S {2,}\S|^ +\(", re.MULTILINE)

SAYS = re.compile(r"words\b|spoken\(\)")


def texts() -> dict[str, str]:
    """Each English text, and where it is said."""
    found: dict[str, str] = {}
    for text, place in (*_helps(), *_calls(), *_pages()):
        found.setdefault(text, place)
    for text, place in _errors():
        found.setdefault(text, place)
    return found | dict.fromkeys(VALUES, "values") | {CLICK + one: "click" for one in CLICKS}


def _helps() -> Iterator[tuple[str, str]]:
    for context in contexts(click.Context(group, info_name=NAME, **group.context_settings)):
        command, path = context.command, context.command_path
        told = [*paragraphs(inspect.cleandoc(command.help or "")), *paragraphs(inspect.cleandoc(command.epilog or ""))]
        for paragraph in told:
            bare = paragraph.removeprefix(VERBATIM)
            if bare and (paragraph == bare or PROSE.search(bare)):
                yield bare, path
        if command.short_help:
            yield command.short_help, path
        for one in command.get_params(context):
            if isinstance(one, click.Option) and one.help:
                yield one.help, path


def _calls() -> Iterator[tuple[str, str]]:
    package = ROOT / "harness" / "meshproof"
    for path in sorted(package.rglob("*.py")):
        place, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        # What says nothing takes longer to parse than all that does.
        for node in ast.walk(ast.parse(source)) if SAYS.search(source) else ():
            if isinstance(node, ast.Call) and (text := _said(node)):
                yield text, place


def _errors() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "harness" / "meshproof").rglob("*.py")):
        for text in error_texts(path):
            yield ERROR + text, path.relative_to(ROOT).as_posix()


def _said(call: ast.Call) -> str:
    """The text of `words("…")`, and `{n} check` of `words.amount(…, "check")`; empty for another call."""
    name = ast.unparse(call.func)
    if re.fullmatch(r"(?:.*\b)?_?words|spoken\(\)", name) and call.args:
        return _constant(call.args[0])
    if re.fullmatch(r"(?:.*\b)?_?words\.amount", name) and (noun := _constant(call.args[1])):
        return f"{{n}} {noun}"
    return ", " if name.endswith("words.listed") else ""


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _pages() -> Iterator[tuple[str, str]]:
    environment = Environment(autoescape=True)
    for path in sorted((ROOT / "reports").iterdir()):
        content = path.read_text(encoding="utf-8") if path.suffix in (".j2", ".js") else ""
        place = f"reports/{path.name}"
        if path.suffix == ".js":
            yield from ((text, place) for text in SAID.findall(content))
        if path.suffix == ".j2":
            for _, name, values in extract_from_ast(environment.parse(content), ("_",)):
                assert name == "_"
                yield str(values[0] if isinstance(values, tuple) else values), place
            yield from ((f"{{n}} {noun}", place) for noun in re.findall(r'\|plural\("([^"]+)"\)', content))


def update(path: Path) -> tuple[list[str], list[str]]:
    """Bring a catalogue up to date; the texts that are to be translated, and those that went."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    with path.open("rb") as file:
        catalogue = read_po(file)
    template = Catalog(creation_date=catalogue.creation_date)
    for text, place in texts().items():
        context, _, bare = text.rpartition("\4")
        template.add(bare, locations=[(place, None)], context=context or None)
    catalogue.update(template, no_fuzzy_matching=True)
    gone = [str(one.id) for one in catalogue.obsolete.values()]
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, include_lineno=False)
    return [str(one.id) for one in catalogue if one.id and not one.string], gone


if __name__ == "__main__":
    for folder in sorted(FOLDER.iterdir()):
        missing, gone = update(folder / CATALOGUE)
        print(f"{folder.name}: {len(missing)} to be translated, {len(gone)} taken out")
        for text in missing:
            print(f"  {text!r}")
