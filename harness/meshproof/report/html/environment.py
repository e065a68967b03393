"""What all pages share: how text gets into a template, and the policy that allows a page its own style and script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from meshproof import suite
from meshproof.border.verdict import Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.report import wording
from meshproof.report.html.quotes import quoted

STYLE = "report.css"
# How a script asks for a text.
SAID = re.compile(r'\bsay\("([^"]+)"')
SIGNS = {
    Outcome.PASSED.value: "✓",
    Outcome.FAILED.value: "✗",
    Outcome.INCONCLUSIVE.value: "?",
    Outcome.SKIPPED.value: "–",
    Outcome.ERROR.value: "!",
}


class _Compiled(BytecodeCache):
    """What this process has compiled of templates: to compile a page takes longer than to render most of them."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def rendered(template: str, words: Words = ENGLISH, **values: Any) -> str:
    """A page made from a template of `reports/`, in a language; raises UsageError when the installation lacks it."""
    page = templates(words).get_template(template).render(style=own(STYLE), **values)
    # What printable() leaves can always be encoded; a template's own text is UTF-8 as it stands.
    return page.rstrip("\n") + "\n"


def templates(words: Words) -> Environment:
    """The templates of `reports/`, in a language; raises UsageError when the installation lacks them."""
    content = suite.folder("reports")
    environment = Environment(
        loader=FileSystemLoader(content),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        name: getattr(wording, name) for name in ("share", "specified", "span", "count", "duration", "number", "line")
    }
    environment.filters |= {
        "said": words,
        "broken": _broken,
        "quoted": quoted,
        "plural": words.amount,
        "points": lambda tolerance: wording.points(tolerance, words),
    }
    environment.globals |= {"_": _marked(words), "tag": words.tag, "told": _scripted(words)}
    environment.filters |= {"digest": _digest, "sign": lambda outcome: SIGNS.get(str(outcome), "!")}
    return environment


def own(name: str) -> Markup:
    """A file of `reports/`, which goes into a page as it stands."""
    path: Path = suite.folder("reports") / name
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def _marked(words: Words) -> Callable[..., Markup]:
    """A text of a template in the language: it is as trusted as the template, and what is put into it is not."""

    def say(text: str, **values: Any) -> Markup:
        shown = {name: _shown(value) for name, value in values.items()}
        return Markup(words.texts.get(text, text)).format_map(shown) if values else Markup(words(text))  # noqa: S704

    return say


def _scripted(words: Words) -> Callable[[str], str]:
    """The texts that a script says by itself, as JSON for its page; empty in English."""

    def texts(script: str) -> str:
        said = {text: words(text) for text in SAID.findall(script)}
        return json.dumps(said, ensure_ascii=False) if words.texts else ""

    return texts


def _shown(value: Any) -> Any:
    """Every text that the template puts out shows all its characters, besides being escaped."""
    return wording.printable(value) if type(value) is str else value


def _broken(text: str) -> Markup:
    """A text on one line that may be broken behind a slash, as the path of a file or of a URL is."""
    return Markup("/<wbr>").join(escape(part) for part in wording.line(text).split("/"))


def _digest(text: str) -> str:
    """The hash source by which a Content-Security-Policy allows one inline element (CSP Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
