"""`meshproof explain`: which rule takes a request, and why not the other one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from meshproof.errors import UsageError

if TYPE_CHECKING:
    import io

    from meshproof.border.request import Request, Tls
    from meshproof.explain.explanation import Explanation
    from meshproof.explain.folder import Asked
    from meshproof.explain.render.text import Quote

EXIT_CODES = """\b
Exit codes:
  0  the request is answered
  1  nobody answers it
  4  a command, an option or a manifest is wrong
"""
UNANSWERED = 1


@click.command(short_help="Say which rule takes a request, and why.", epilog=EXIT_CODES)
@click.option(
    "-f",
    "--filename",
    "files",
    type=click.Path(allow_dash=True),
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="The manifests (repeatable; - is standard input).",
)
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header of the request (repeatable)."
)
@click.option(
    "-n", "--namespace", default="default", show_default=True, metavar="NAME", help="Namespace of what names none."
)
@click.option(
    "--from",
    "sender",
    default="",
    metavar="CLIENT",
    help="Who sends it within the mesh: NAMESPACE, NAMESPACE/WORKLOAD, or LABEL=VALUE,… (after NAMESPACE/).  "
    "[default: a client of -n without labels]",
)
@click.option(
    "--gateway",
    default="",
    metavar="NAMESPACE/NAME",
    help="The Gateway that it enters by.  [default: the first that serves its host and port, where no Service has it]",
)
@click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@click.argument("request", nargs=-1, required=True, metavar="'[METHOD] URL [HEADER:VALUE ...]'")
def explain(
    files: tuple[str, ...],
    headers: tuple[str, ...],
    namespace: str,
    sender: str,
    gateway: str,
    form: str,
    request: tuple[str, ...],
) -> int:
    """Say what becomes of one request, and why: the rule that takes it, and what each rule before it lacked.

    It is told from the manifests alone: nothing is started.

    \b
    meshproof explain -f k8s/ http://reviews.prod:9080/x -H 'end-user: jason'
    meshproof explain -f k8s/ POST https://shop.example.com/cart \\
      --gateway istio-system/main
    """
    import io

    from meshproof.explain.render.quotes import Quotes
    from meshproof.manifest.source import STDIN, STDIN_NAME

    given = sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if STDIN in files else ""
    how = _How(files, asked_for(request, headers), namespace, sender, gateway, io.StringIO(given))
    explanation = how.explained(how.read())
    quote = Quotes({STDIN_NAME: given})
    _print(explanation, form, quote)
    return UNANSWERED if explanation.unanswered else 0


@dataclass(frozen=True, slots=True)
class _How:
    """What a person asked."""

    files: tuple[str, ...]
    request: Request
    namespace: str
    sender: str
    gateway: str
    stdin: io.StringIO
    tls: Tls | None = None

    def read(self) -> Asked:
        from meshproof.explain.folder import read

        return read(
            self.files,
            self.request,
            namespace=self.namespace,
            sender=self.sender,
            gateway=self.gateway,
            stdin=self.stdin,
            tls=self.tls,
            progress=lambda number: click.echo(f"{number:,} documents read", err=True),
        )

    def explained(self, found: Asked) -> Explanation:
        from meshproof.explain.explained import explain

        return explain(found.built, found.request, found.source)


def asked_for(words: tuple[str, ...], headers: tuple[str, ...]) -> Request:
    """The request that the words of a command line name; raises UsageError."""
    import shlex
    from dataclasses import replace

    from meshproof.border.request import parse

    found = parse(words[0] if len(words) == 1 else shlex.join(words))
    pairs = []
    for one in headers:
        name, colon, value = one.partition(":")
        if not colon or not name.strip() or any(c in one for c in "\r\n\0"):
            raise UsageError(f"-H {one!r} is no header: write -H 'NAME: VALUE'")
        pairs.append((name.strip().lower(), value.strip()))
    if pairs and found.is_tcp:
        raise UsageError("a connection has no headers: leave -H out")
    return replace(found, headers=(*found.headers, *pairs))


def _print(explanation: Explanation, form: str, quote: Quote) -> None:
    if form == "text":
        from meshproof.explain.render.text import text
        from meshproof.report.wording import line

        click.echo("\n".join(line(one) for one in text(explanation, quote)))
        return
    from meshproof.explain.render.document import document

    found = document(explanation, quote)
    if form == "json":
        import json

        click.echo(json.dumps(found, indent=2))
    else:
        import yaml

        click.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=False), nl=False)
