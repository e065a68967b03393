"""The command that repeats a run, from the run's own folder, wherever that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.manifest.source import STDIN
from meshproof.options import KUBERNETES, Kind
from meshproof.run.keep import files
from meshproof.run.prepare import Prepared

REPLAY = "replay"
VERIFYING = ("verify", "certify", "test")
STANDING = "--no-apply"
MANIFESTS = frozenset({"-f", "--filename", "--applied"})
# What a run keeps stands in one folder.
RECURSIVE, SHORT = "--recursive", "-R"
OUTPUT = frozenset({"--output"})
# A signature is its owner's, and no part of what is repeated.
SIGNATURE = frozenset({"--sign", "--key-password-file"})
FILES = frozenset(
    {
        "--cacert",
        "--cert",
        "--key",
        "--hosts-file",
        "--self-check",
        "--intents",
        "-t",
        *(f"--{one.name}" for one in KUBERNETES if one.kind is Kind.PATH),
    }
)
"""Options whose values are files that a run does not keep."""


def command(arguments: Sequence[str], driven: Sequence[Prepared]) -> tuple[str, ...]:
    """`meshproof` with these arguments, as it is to be called in the run's folder.

    Manifests are those that the run keeps, other files are named in full, and the reports go to a folder of their own.
    Where nothing was driven nothing is kept, and manifests are named in full as well.
    """
    arguments = tuple(_apart(arguments))
    verb = arguments[0] if arguments else ""
    if verb == REPLAY:
        # Its folder is a run's like any other.
        return ("meshproof", REPLAY, ".")
    own = verb == VERIFYING[0] or (verb in VERIFYING and any(_is(word, MANIFESTS) for word in arguments))
    if not own or not driven:
        return ("meshproof", *_kept(arguments, leave=OUTPUT | SIGNATURE, named=FILES | MANIFESTS if own else FILES))
    standing = STANDING in arguments
    applied, specified = files(driven[0], standing=standing)
    named = ("-f", specified, *(() if standing or specified == applied else ("--applied", applied)))
    return ("meshproof", verb, *named, *_kept(arguments[1:], leave=OUTPUT | MANIFESTS | SIGNATURE))


def _apart(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments with -R, which takes no value, as a word of its own: -Rf is -R and -f."""
    for word in arguments:
        yield from (SHORT, f"-{word[2:]}") if word.startswith(SHORT) and len(word) > len(SHORT) else (word,)


def _is(word: str, options: frozenset[str]) -> bool:
    """Whether a word is one of these options, with or without its value."""
    short = word[:2] if word[:1] == "-" and word[1:2] != "-" else ""
    return word.partition("=")[0] in options or short in options


def _kept(arguments: Sequence[str], leave: frozenset[str], named: frozenset[str] = FILES) -> Iterator[str]:
    """The arguments without these options and their values; the files that others name are named in full."""
    left = iter(arguments)
    for word in left:
        name, equals, value = word.partition("=")
        if word in (RECURSIVE, SHORT):
            if leave.isdisjoint(MANIFESTS):
                yield word
            continue
        if _is(word, leave):
            # Its value stands in the same word, or in the next.
            if not equals and word in leave:
                next(left, None)
        elif name in named:
            yield from (name, _in_full(value if equals else next(left, "")))
        elif _is(word, named):
            yield from (word[:2], _in_full(word[2:]))
        else:
            yield word


def _in_full(file: str) -> str:
    return str(Path(file).absolute()) if file and file != STDIN else file
