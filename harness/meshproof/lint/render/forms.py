"""Each format by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meshproof.language.words import ENGLISH, Words
from meshproof.lint.lint import Linted
from meshproof.lint.render.code_quality import code_quality
from meshproof.lint.render.document import document
from meshproof.lint.render.github import github
from meshproof.lint.render.sarif import sarif
from meshproof.lint.render.text import text

TEXT, SARIF = "text", "sarif"
FORMS: Mapping[str, Callable[[Linted], str]] = {
    "json": document,
    "github": github,
    "gitlab": code_quality,
}


def rendered(linted: Linted, form: str, version: str, words: Words = ENGLISH) -> str:
    """The findings in the format of that name; SARIF names the `version` of meshproof, text is told in `words`."""
    if form == TEXT:
        return text(linted, words)
    return sarif(linted, version) if form == SARIF else FORMS[form](linted)
