"""Files of intents to Intents: our own, and those of istio-config-validator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from meshproof.border.intents.intent import Intent, Never
from meshproof.errors import Location, ManifestError, Problem
from meshproof.intents.reading import validator
from meshproof.intents.reading.entry import entry
from meshproof.manifest.compose import read_documents
from meshproof.manifest.source import texts
from meshproof.manifest.value import Value

MOST_PROBLEMS = 20


def read_intents(paths: Sequence[str], stdin: TextIO | None = None) -> tuple[Intent | Never, ...]:
    """The intents of files, folders and `-` (standard input); raises ManifestError with every mistake."""
    found: list[Intent | Never] = []
    problems: list[Problem] = []
    first = ""
    for file, text in texts(paths, stdin):
        first = first or file
        try:
            for document in read_documents(text, file):
                problems += document.problems
                _read(document.body, found, problems)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(*problems[:MOST_PROBLEMS])
    if not found:
        where = Location(first or (paths[0] if paths else ""), 1, 1)
        raise ManifestError(Problem(where, "there is no intent here", "`meshproof intents -f DIR` writes a first file"))
    return tuple(found)


def _read(body: Value, found: list[Intent | Never], problems: list[Problem]) -> None:
    """Add the intents of one document, and its mistakes."""
    if validator.is_one(body):
        validator.read(body, found, problems)
        return
    if not isinstance(body.data, tuple):
        manifest = body.is_mapping and body.get("apiVersion") is not None
        hint = "this is a manifest: name it with -f" if manifest else "begin each with '- request: GET http://HOST/'"
        problems.append(Problem(body.location, f"a file of intents must be a list, not {body.shown}", hint))
        return
    for item in body.items():
        try:
            found.append(entry(item))
        except ManifestError as error:
            problems += error.problems
