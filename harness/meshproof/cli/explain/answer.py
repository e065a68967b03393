"""What a person asked is read, explained and printed."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

from meshproof.border.request import Request
from meshproof.cli.help.tree import documents_read, spoken
from meshproof.explain.explained import explain
from meshproof.explain.explanation import Explanation
from meshproof.explain.folder import Asked, read
from meshproof.explain.render.quotes import Quotes
from meshproof.language.words import ENGLISH, Words
from meshproof.manifest.source import LARGEST_FILE, STDIN, STDIN_NAME
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.border.facts.captured import Captured
    from meshproof.run.explaining.beside_dump import Beside
    from meshproof.run.explaining.happened import Happened

OTHERWISE = 1


@dataclass(frozen=True, slots=True)
class Question:
    """A request as a person names it, and how the answer is printed."""

    request: Request
    namespace: str
    sender: str
    gateway: str
    form: str

    @property
    def words(self) -> Words:
        """The language of what is printed: what programs read is English."""
        return spoken() if self.form == "text" else ENGLISH

    def asked(
        self, files: Sequence[str], quotes: Quotes, *, whole: bool = False, captured: Captured | None = None
    ) -> Asked:
        """What is read of these files, or of a cluster; what cannot be read again is kept to be quoted."""
        stdin: TextIO | None = None
        for one in captured.documents if captured else ():
            quotes.keep(one.name, one.text)
        if STDIN in files:
            given = sys.stdin.buffer.read(LARGEST_FILE + 1)
            quotes.keep(STDIN_NAME, given.decode("utf-8", "replace"))
            stdin = io.TextIOWrapper(io.BytesIO(given))
        quotes.only(files)
        return read(
            files,
            self.request,
            namespace=self.namespace,
            sender=self.sender,
            gateway=self.gateway,
            stdin=stdin,
            whole=whole,
            progress=documents_read,
            contents=captured.contents if captured else None,
        )


def explained(question: Question, files: Sequence[str], count: int | None, captured: Captured | None = None) -> int:
    """Print the explanation, and with a `count` what happened to so many; the exit code."""
    quotes = Quotes()
    asked = question.asked(files, quotes, captured=captured)
    beside = _beside(asked, captured) if captured and captured.dumps else None
    same = not (beside and beside.differs)
    if count is None:
        found = explain(asked.built, asked.request, asked.source, words=question.words)
        _print(question, found, quotes, beside=beside)
        return 0 if found.certain and same else OTHERWISE
    from meshproof.cli.explain.sent import sent

    found, outcome = sent(asked, count, question.words)
    _print(question, found, quotes, outcome, beside)
    return 0 if found.certain and outcome.agrees and same else OTHERWISE


def _beside(asked: Asked, captured: Captured) -> Beside | None:
    """What the proxy that the request passes first runs."""
    from meshproof.run.explaining.beside_dump import of_request

    return of_request(asked.built, asked.request, asked.source, captured.dumps)


def compared(question: Question, files: Sequence[str], others: Sequence[str], captured: Captured | None = None) -> int:
    """Print what differs between two folders; the exit code."""
    from meshproof.explain.side_by_side import side_by_side

    quotes = Quotes()
    several = [question.asked(files, quotes, captured=captured), question.asked(others, quotes)]
    words = question.words
    first, second = (explain(one.built, one.request, one.source, words=words) for one in several)
    if question.form == "json":
        from meshproof.explain.render.document import document

        _json({"version": 1, "first": document(first, quotes), "second": document(second, quotes)})
    else:
        lines = list(side_by_side(first, second, (quotes, quotes), words))
        _lines(f"{side} {line}".rstrip() for side, line in lines)
        if all(side == " " for side, _ in lines):
            _lines(["", words("the same by both")])
    return 0 if first.certain and second.certain else OTHERWISE


def envoy(question: Question, files: Sequence[str], *, whole: bool, captured: Captured | None = None) -> int:
    """Print the resources of Envoy's configuration; the exit code."""
    from meshproof.run.explaining.proxies import resources

    asked = question.asked(files, Quotes(), whole=whole, captured=captured)
    _json(resources(asked.built, asked.request, asked.source, whole=whole))
    return 0


def _print(
    question: Question,
    found: Explanation,
    quotes: Quotes,
    outcome: Happened | None = None,
    beside: Beside | None = None,
) -> None:
    if question.form == "text":
        from meshproof.explain.render.text import text

        told = _told(beside, question.words)
        if beside and beside.differs:
            _lines([*told, ""])
        _lines(text(found, quotes, question.words))
        if beside and not beside.differs:
            _lines(["", *told])
        if outcome:
            from meshproof.cli.explain.sent import lines

            _lines(lines(outcome, question.words))
        return
    from meshproof.explain.render.document import document

    data = document(found, quotes)
    if beside:
        from meshproof.cli.cluster.beside import document as compared_document

        data["proxy"] = compared_document(beside)
    if outcome:
        from meshproof.cli.explain.sent import happened_document

        data["sent"] = happened_document(outcome)
    if question.form == "json":
        _json(data)
    else:
        import yaml

        from meshproof.redaction.credentials import redact_all

        click.echo(yaml.safe_dump(redact_all(data), sort_keys=False, allow_unicode=False), nl=False)


def _told(beside: Beside | None, words: Words) -> Sequence[str]:
    if beside is None:
        return ()
    from meshproof.cli.cluster.beside import lines

    return list(lines(beside, words))


def _lines(several: Iterable[str]) -> None:
    from meshproof.redaction.credentials import redact
    from meshproof.report.wording import line

    click.echo("\n".join(line(redact(one)) for one in several))


def _json(data: Mapping[str, Any]) -> None:
    import json

    from meshproof.redaction.credentials import redact_all

    click.echo(json.dumps(redact_all(data), indent=2))
