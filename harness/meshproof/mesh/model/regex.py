"""Regular expressions by Envoy's own engine, RE2: linear in time, whatever the pattern.

Istio's regular expressions are RE2 (https://github.com/google/re2/wiki/Syntax) and match the whole value. Since 1.39.3
Envoy takes pattern and value as bytes (RE2's Latin-1): `.` is one byte of `é`, and `[éè]` is one byte of either.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

LONGEST = 1024
# re2.max_program_size.error_level in the bootstrap that istiod gives proxies.
LARGEST_PROGRAM = 32768
# More than the rules of one host have, which are looked at in turn: each may take 8 MiB of memory, and hardly one does.
HELD = 512
DIGITS = frozenset(b"0123456789")
BACKSLASH = ord("\\")


# RE2's word for any byte, which istiod's own engine does not know.
ANY_BYTE = re.compile(rb"(?<!\\)(?:\\\\)*\\C")


class NotRe2Error(ValueError):
    """The text is no regular expression that is taken; the message says why."""


def check_by_istiod(text: str) -> None:
    """Raise NotRe2Error for what istiod's validation of a VirtualService refuses; it reads characters, Envoy bytes."""
    import re2

    pattern = _bytes(text)
    if not pattern:
        raise NotRe2Error("it is empty")
    if len(pattern) > LONGEST:
        raise NotRe2Error(f"it is longer than the {LONGEST} bytes that istiod allows")
    _compiled(pattern, re2.Options.Encoding.UTF8)
    if ANY_BYTE.search(pattern):
        raise NotRe2Error("istiod does not know \\C")


@lru_cache(maxsize=HELD)
def compile_re2(text: str) -> Any:
    """Envoy's pattern, for bytes in UTF-8; raises NotRe2Error for what Envoy refuses."""
    # Few folders have a regular expression.
    import re2

    pattern = _bytes(text)
    if not pattern:
        raise NotRe2Error("it is empty")
    found = _compiled(pattern, re2.Options.Encoding.LATIN1)
    if found.programsize > LARGEST_PROGRAM:
        raise NotRe2Error(
            f"its program has {found.programsize} instructions, and Envoy takes {LARGEST_PROGRAM} at most"
        )
    return found


def _compiled(pattern: bytes, encoding: Any) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.encoding = encoding
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise NotRe2Error(shown) from None


def matches_whole(pattern: str, value: str) -> bool:
    """Whether the whole value matches."""
    return compile_re2(pattern).fullmatch(_bytes(value)) is not None


def replace_all(pattern: str, by: str, value: str) -> str:
    r"""Every match replaced as RE2's GlobalReplace does, which Envoy uses: `\0` to `\9` are groups, `\\` a backslash.

    A reference to a group that the pattern does not have leaves the value as it is; any other escape
    ends the replacement there. An empty match right behind another match does not count.
    """
    compiled, template, text = compile_re2(pattern), _bytes(by), _bytes(value)
    if _largest_reference(template) > compiled.groups:
        return value
    out, at, last = bytearray(), 0, -1
    while at <= len(text) and (found := compiled.search(text, at)) is not None:
        start, end = found.span()
        out += text[at:start]
        at = end
        if start == end == last:
            out += text[at : at + 1]
            at += 1
            continue
        out += _expanded(template, found)
        last = end
    return (bytes(out) + text[at:]).decode(errors="replace")


def _bytes(text: str) -> bytes:
    """UTF-8; a byte that is no character of it is Python's surrogate for it, any other surrogate stays as it is."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _largest_reference(template: bytes) -> int:
    return max(
        (after - ord("0") for one, after in pairwise(template) if one == BACKSLASH and after in DIGITS), default=0
    )


def _expanded(template: bytes, found: Any) -> bytes:
    out, at = bytearray(), 0
    while at < len(template):
        one = template[at]
        at += 1
        if one == BACKSLASH:
            after = template[at] if at < len(template) else 0
            if after in DIGITS:
                out += found.group(after - ord("0")) or b""
            elif after == BACKSLASH:
                out.append(after)
            else:
                break
            at += 1
        else:
            out.append(one)
    return bytes(out)
