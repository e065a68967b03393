"""Texts in a language, and which language is meant: --lang, else the environment's, else English."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from meshproof.records import dataclass

LANGUAGES = ("en", "zh")
OPTION = "--lang"
# By POSIX' precedence (Base Definitions, 8.2); the first that is not empty decides.
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
CHINESE = re.compile(r"zh(?![a-z])", re.IGNORECASE)
# What stands before a text of click's own, as gettext has contexts.
CLICK = "click\4"
# And before one of an error that says nothing of a place in a manifest; what is put in has a letter as its name.
ERROR = "error\4"
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """A language: `tag` is its name in HTML (BCP 47), `texts` has the translation of each English text.

    A text that is not there stays English, as it does in English itself.
    """

    language: str = "en"
    tag: str = "en"
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, text: str, /, **values: object) -> str:
        """The text with its `{placeholders}` filled; a value is never looked at for placeholders of its own."""
        told = self.texts.get(text, text)
        return told.format_map(values) if values else told

    def amount(self, number: int, noun: str) -> str:
        """`3 checks`; the catalogue knows it as `{n} check`."""
        told = self.texts.get(f"{{n}} {noun}")
        return told.format(n=f"{number:,}") if told else f"{number:,} {noun}" + ("" if number == 1 else "s")

    def listed(self, several: Iterable[str]) -> str:
        """Joined as a list in a sentence is."""
        return self(", ").join(several)

    def outcome(self, code: str) -> str:
        """An outcome as the terminal has it: in another language its English code stands beside the word."""
        told = self.texts.get(code)
        return f"{told} {code}" if told else code

    def recognized(self, told: str, whose: str = CLICK) -> str:
        """What has been put together from a text that the catalogue has of click (`No such option: --x`), or of errors.

        So whoever finds an error need not know who is told of it, and in which language.
        """
        for pattern, translation in _patterns(tuple(self.texts.items()), whose):
            if found := pattern.fullmatch(told):
                parts = {name: self.recognized(one, whose) for name, one in found.groupdict().items()}
                return translation.format_map(parts)
        return told


ENGLISH = Words()


def words(language: str) -> Words:
    """Those of a language; its catalogue is read when it is first asked for."""
    return _chinese() if language == "zh" else ENGLISH


def meant(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language that a command line names, wherever on it, else that of the environment.

    It is known before anything is parsed: --help and what is wrong with other options are told in it too. A name that
    is no language is left to the option itself, which refuses it.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    named = ""
    for at, word in enumerate(options):
        if word == OPTION and at + 1 < len(options):
            named = options[at + 1]
        elif word.startswith(f"{OPTION}="):
            named = word.partition("=")[2]
    return named if named in LANGUAGES else of_environment(environ)


def of_environment(environ: Mapping[str, str]) -> str:
    """Chinese where the locale of messages is, whatever its region and encoding; else English."""
    locale = next((value for name in VARIABLES if (value := environ.get(name))), "")
    return "zh" if CHINESE.match(locale) else "en"


@functools.cache
def _chinese() -> Words:
    from meshproof.language.catalogue import read

    return Words("zh", "zh-CN", read("zh_CN"))


@functools.cache
def _patterns(texts: tuple[tuple[str, str], ...], whose: str) -> list[tuple[re.Pattern[str], str]]:
    """The texts of click, or of errors, those that say most for themselves first."""
    own = [(text.removeprefix(whose), told) for text, told in texts if text.startswith(whose)]
    own.sort(key=lambda one: -len(PLACEHOLDER.sub("", one[0])))
    return [(re.compile(_pattern(text), re.DOTALL), told) for text, told in own]


def _pattern(text: str) -> str:
    parts = PLACEHOLDER.split(text)
    return "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
