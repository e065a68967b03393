"""A file's text to its documents; one that cannot be read is refused by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.compose import Document, read_documents
from meshproof.manifest.documents.other_files import words_in
from meshproof.manifest.documents.separator import END, SEPARATOR, parts
from meshproof.manifest.resource import Refusal
from meshproof.manifest.syntax.languages import language_of
from meshproof.manifest.syntax.templates import OVERLAY, YTT, YTT_LANGUAGE, Language, template


def documents(text: str, file: str, line: int = 1) -> Iterator[Document | Refusal]:
    """The documents of a text, in order; what is no YAML, or a template of YAML, is a Refusal.

    `line` is the number of its first line.
    """
    language = language_of(file)
    if language and not _is_yaml(text, file):
        yield _refusal(text, (_template(text, 0, file, line, language),))
        return
    if "#@" in text and (code := YTT.search(text)):
        problem = _template(text, code.start("code"), file, line, YTT_LANGUAGE)
        yield replace(_refusal(text, (problem,)), overlay=OVERLAY.search(text) is not None)
        return
    try:
        yield from list(read_documents(text, file, line=line))
        return
    except ManifestError as error:
        whole = error
    several = list(parts(text, line))
    for first, part in several:
        try:
            yield from list(read_documents(part, file, line=first))
        except ManifestError as error:
            if (end := END.search(part)) and (found := _ended(part, end.end(), file, first)):
                yield from found
            else:
                yield from _unread(part, file, first, whole if len(several) == 1 else error)


def _is_yaml(text: str, file: str) -> bool:
    """Whether a text is manifests all the same, whatever its file is called."""
    try:
        several = list(read_documents(text, file))
    except ManifestError:
        return False
    return bool(several) and all(
        one.body.is_mapping and {"apiVersion", "kind"} <= {*one.body.names()} for one in several
    )


def _ended(part: str, end: int, file: str, line: int) -> list[Document | Refusal]:
    """The document before `...`, and a Refusal of what follows it; nothing where the former cannot be read either."""
    try:
        found = list(read_documents(part[:end], file, line=line))
    except ManifestError:
        return []
    message = "kubectl reads nothing after '...' but what follows a line of '---'"
    place = Location(file, line + part[:end].count("\n"), 1)
    return [*found, _refusal(part[end:], (Problem(place, message, "write '---' in place of '...'"),))]


def _unread(part: str, file: str, line: int, error: ManifestError) -> Iterator[Document | Refusal]:
    """What a text is that is no YAML: several JSON objects, each by itself, or nothing that can be read."""
    from meshproof.manifest.documents.json_stream import objects

    several = objects(SEPARATOR.sub("   ", part, count=1))
    for first, one in several:
        try:
            yield from list(read_documents(one, file, line=line + first))
        except ManifestError as problem:
            yield _refusal(one, problem.problems)
    if not several:
        known = None if file.endswith(".json") else template(part)
        problems = (_template(part, known[0], file, line, known[1]),) if known else error.problems
        yield _refusal(part, problems)


def _refusal(text: str, problems: tuple[Problem, ...]) -> Refusal:
    # Where it stands in its file says nothing.
    from hashlib import sha256

    said = sha256(SEPARATOR.sub("", text, count=1).strip().encode("utf-8", "surrogatepass")).hexdigest()
    return Refusal(problems[0].location, problems, words=frozenset(words_in(text)), digest=said)


def _template(part: str, start: int, file: str, line: int, language: Language) -> Problem:
    before = part[:start]
    place = Location(file, line + before.count("\n"), start - before.rfind("\n"))
    return Problem(place, language.message, language.hint)
