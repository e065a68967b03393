"""Keep credentials out of what is written down: a run's folder is meant to be passed on."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from meshproof.redaction.patterns import HIDDEN, SUSPECT, flow, named, option, rules

SHORT = 400
# kubectl keeps a whole object in there, as one text.
WHOLE = "kubectl.kubernetes.io/last-applied-configuration"
# Where a name stands beside its value: variables of containers, headers of Envoy, conditions on headers.
NAME_FIELDS = ("name", "key", "header_name")
VALUE_FIELDS = frozenset(
    {
        *("value", "values", "notValues", "raw_value", "inline_string", "inline_bytes"),
        *("exact", "prefix", "suffix", "contains", "regex", "string_match", "exact_match", "prefix_match"),
    }
)
# A condition's pattern still means what takes its place: the replay of a run goes by it.
PATTERN, HIDDEN_PATTERN = "regex", rf"\{HIDDEN}"
# The header that a condition of an AuthorizationPolicy is about.
HEADER = "request.headers["
CONDITION = re.compile(re.escape(HEADER) + r"(.*)]")


def redact(text: str) -> str:
    """`text` with whatever looks like a credential replaced; a text that has been redacted stays as it is."""
    return _remembered(text) if len(text) <= SHORT else _redacted(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    return _redacted(text)


def _redacted(text: str) -> str:
    if SUSPECT.search(text):
        for pattern, instead in rules():
            text = pattern.sub(instead, text)
    return text


def redact_quoted(line: str) -> str:
    """A line of a manifest that is shown to people."""
    return redact(flow().sub(rf"\1{HIDDEN}", line)) if SUSPECT.search(line) else line


def is_credential(name: str) -> bool:
    """Whether a header, parameter or field of this name holds a credential."""
    return _known_name(name) if len(name) <= SHORT else _is_credential(name)


@lru_cache(maxsize=4096)
def _known_name(name: str) -> bool:
    return _is_credential(name)


def _is_credential(name: str) -> bool:
    return SUSPECT.search(name) is not None and named().fullmatch(name) is not None


def redact_header(name: str, value: str) -> str:
    """A header's value, where its name stands too far off for the patterns."""
    return HIDDEN if is_credential(name) else redact(value)


def redact_all(value: Any) -> Any:
    """Plain JSON data with each of its strings redacted; a value under, or beside, a credential's name is hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return _list(value)
    if isinstance(value, dict):
        beside = any(_is_name(value.get(field)) for field in NAME_FIELDS)
        return {
            key: _value(key, item) if beside and key in VALUE_FIELDS else _entry(key, item)
            for key, item in value.items()
        }
    return value


def redact_words(words: list[str]) -> list[str]:
    """A command's words; the one that follows `--token` is hidden."""
    return [str(word) for word in _list(words)]


def _list(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    hide = False
    for item in items:
        found.append(HIDDEN if hide and isinstance(item, str) and not item.startswith("-") else redact_all(item))
        hide = isinstance(item, str) and SUSPECT.search(item) is not None and option().fullmatch(item) is not None
    return found


def _entry(name: str, value: Any) -> Any:
    if _is_name(name):
        return _hidden(value) if isinstance(value, str) else _under(value)
    if name == WHOLE and isinstance(value, str):
        return HIDDEN
    if name.lower().endswith("secret") and isinstance(value, dict):
        # Envoy's: the secret of a filter, written where it is used.
        return _under(value)
    if name == "env" and isinstance(value, list):
        return [_variable(one) for one in value]
    return redact_all(value)


def _under(value: Any) -> Any:
    """What stands under a credential's name, such as a condition on that header."""
    if isinstance(value, dict):
        return {key: _value(key, item) if key in VALUE_FIELDS else redact_all(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(one) if isinstance(one, str) else redact_all(one) for one in value]
    return redact_all(value)


def _variable(entry: Any) -> Any:
    """A variable of a container: no rule of a mesh depends on its value."""
    if isinstance(entry, dict) and isinstance(entry.get("value"), str):
        entry = {**entry, "value": HIDDEN}
    return redact_all(entry)


def _value(field: str, value: Any) -> Any:
    return HIDDEN_PATTERN if field == PATTERN and isinstance(value, str) else _hidden(value)


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return HIDDEN
    if isinstance(value, dict):
        return {key: _value(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return value


def _is_name(value: Any) -> bool:
    # What stands before a slash is the domain of an annotation's or a label's name.
    if not isinstance(value, str):
        return False
    header = CONDITION.fullmatch(value) if value.startswith(HEADER) else None
    return is_credential(header[1] if header else value.rpartition("/")[2])
