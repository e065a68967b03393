"""The command line of `meshproof explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshproof.cli.cluster.options import Live, live
from meshproof.cli.options.files_and_forms import MANIFESTS_OR_CLUSTER
from meshproof.collector import collector_paused
from meshproof.errors import UsageError

if TYPE_CHECKING:
    from meshproof.border.request import Request

EXIT_CODES = """\b
Exit codes:
  0  the request is answered, and with --send as predicted
  1  nobody answers it, what decides it is not understood, or something
     else happened than was predicted
  2  interrupted
  3  the harness or the target broke
  4  a command, an option or a manifest is wrong
"""
MOST_SENT = 100_000


@click.command(short_help="Say which rule takes a request, and why.", epilog=EXIT_CODES)
@MANIFESTS_OR_CLUSTER
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
    type=click.Choice(["text", "json", "yaml", "envoy"]),
    default="text",
    show_default=True,
    help="What is printed; envoy: the resources of Envoy's configuration that the request meets, as JSON.",
)
@click.option("--all", "whole", is_flag=True, help="With -o envoy: all resources of the proxy.")
@click.option(
    "--send",
    "count",
    type=click.IntRange(1, MOST_SENT),
    metavar="N",
    help="Send it N times through a real Envoy, and print what happened beside what was predicted.",
)
@click.option(
    "--diff",
    "others",
    type=click.Path(),
    multiple=True,
    metavar="FILE|DIR",
    help="Explain it by these manifests too, and print what differs (repeatable: of one folder in several parts).",
)
@live
@click.argument("request", nargs=-1, required=True, metavar="'[METHOD] URL [HEADER:VALUE ...]'")
def explain(
    files: tuple[str, ...],
    headers: tuple[str, ...],
    namespace: str,
    sender: str,
    gateway: str,
    form: str,
    whole: bool,
    count: int | None,
    others: tuple[str, ...],
    live: Live,
    request: tuple[str, ...],
) -> int:
    """Say what becomes of one request, and why: the rule that takes it, and what each rule before it lacked.

    It is told from the manifests alone, or from what a live cluster runs, and nothing is started unless --send asks
    for it.

    \b
    meshproof explain -f k8s/ http://reviews.prod:9080/x -H 'end-user: jason'
    meshproof explain -f k8s/ POST https://shop.example.com/cart \\
      --gateway istio-system/main
    meshproof explain --target cluster --context staging -n shop http://reviews/
    """
    if live.is_meant == bool(files):
        raise UsageError("say what is explained: manifests with -f, or a cluster with --target cluster --context NAME")
    if whole and form != "envoy":
        raise UsageError("--all is for -o envoy")
    if (count or others) and form == "envoy":
        raise UsageError(f"-o envoy shows one configuration: leave {'--send' if count else '--diff'} out")
    if count and others:
        raise UsageError("--send is for one folder: leave --diff out")
    if others and form == "yaml":
        raise UsageError("--diff prints text or JSON")
    # Looking for what is not kept takes a fifth of the time.
    with collector_paused(to_the_end=True):
        from meshproof.cli.explain.answer import Question, compared, envoy, explained

        question = Question(asked_for(request, headers), namespace, sender, gateway, form)
        cluster = None
        if live.is_meant:
            from meshproof.cli.cluster.reading import captured

            cluster = captured(live, (namespace,), dumps=form != "envoy" and not others)
        if form == "envoy":
            return envoy(question, files, whole=whole, captured=cluster)
        if others:
            return compared(question, files, others, cluster)
        if count is None:
            return explained(question, files, None, cluster)
    # What sends makes very much that is not kept.
    return explained(question, files, count, cluster)


def asked_for(words: tuple[str, ...], headers: tuple[str, ...]) -> Request:
    """The request that the words of a command line name; raises UsageError."""
    import shlex
    from dataclasses import replace

    from meshproof.border.request import is_header, parse

    found = parse(words[0] if len(words) == 1 else shlex.join(words))
    pairs = []
    for one in headers:
        name, colon, value = one.partition(":")
        if not colon or not is_header(name.strip(), value.strip(" \t")):
            raise UsageError(f"-H {one!r} is no header: write -H 'NAME: VALUE'")
        pairs.append((name.strip().lower(), value.strip()))
    if pairs and found.is_tcp:
        raise UsageError("a connection has no headers: leave -H out")
    return replace(found, headers=(*found.headers, *pairs))
