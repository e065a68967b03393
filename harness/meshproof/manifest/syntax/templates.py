"""Templates of manifests, which are told apart from manifests wherever one shows itself."""

from __future__ import annotations

import re

from meshproof.records import dataclass

RENDER = "helm template DIR | meshproof verify -f -"
# https://carvel.dev/ytt/docs/latest/: code stands in comments, so that all of it is YAML, and none of it a manifest.
YTT = re.compile(
    r"^(?:[^\n'\"]*[ \t])?(?P<code>#@)(?:[ \t]|(?:data|overlay|schema|yaml|template|library|assert|text)/)",
    re.MULTILINE,
)
OVERLAY = re.compile(r"^[ \t]*#@overlay/match\b", re.MULTILINE)
# Environment, files and services, which Helm has otherwise or not at all.
GOMPLATE = re.compile(
    r"\{\{[^}]*(?:\.Env\.|\bgetenv\b|\benv\.|\bds\b|\bdatasource\b|\bdefineDatasource\b).*?\}\}", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Language:
    """What a template is called, how one is known (None: by the name of its file), and what makes manifests of it.

    The command is empty where that is not known; the verb says what it does.
    """

    name: str
    pattern: re.Pattern[str] | None
    command: str = ""
    verb: str = "render it first"

    @property
    def message(self) -> str:
        return f"this is {self.name}, not a manifest"

    @property
    def hint(self) -> str:
        return f"{self.verb}: `{self.command}`" if self.command else self.verb


# The first whose pattern is found is meant.
LANGUAGES = (
    Language("a Jinja template", re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)),
    Language("a gomplate template", GOMPLATE, "gomplate -f FILE | meshproof verify -f -"),
    Language("a Helm template", re.compile(r"\{\{.*?\}\}", re.DOTALL), RENDER),
    Language("an ERB template", re.compile(r"<%.*?%>", re.DOTALL), "erb FILE | meshproof verify -f -"),
    Language(
        "a template for envsubst or Flux",
        re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:(?::?[-=?+]|[#%/^,:])[^}]*)?\}"),
        "envsubst < FILE | meshproof verify -f -",
    ),
)
YTT_LANGUAGE = Language("a ytt template", YTT, "ytt -f DIR | meshproof verify -f -")


def template(text: str) -> tuple[int, Language] | None:
    """Where a text is a template, and of which language; None where it is none."""
    if "{" not in text and "<%" not in text:
        return None
    found = ((one.pattern.search(text), one) for one in LANGUAGES if one.pattern)
    return next(((match.start(), language) for match, language in found if match), None)


def is_ytt(text: str) -> bool:
    """Whether ytt makes manifests of a file: what stands in it may depend on code anywhere in it."""
    return "#@" in text and YTT.search(text) is not None
