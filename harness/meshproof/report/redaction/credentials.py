"""Keep credentials out of what is written down: a run's folder is meant to be passed on."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "[redacted]"

# Header names that carry credentials by their standard (RFC 9110 section 11, RFC 6265) or by wide custom.
_NAMES = (
    r"(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|api-key|x-auth-token|x-amz-security-token|x-csrf-token"
    r"|client[-_]secret|access[-_]token|refresh[-_]token|password|passwd"
)
_RULES = (
    # A PEM private key (RFC 7468), also one whose end was cut off.
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        HIDDEN,
    ),
    # 'name:value with spaces' as shlex quotes one word of a request.
    (re.compile(rf"'((?:{_NAMES})\s*:)[^']*'", re.I), rf"'\1{HIDDEN}'"),
    # NAME: VALUE, NAME=VALUE and "NAME": "VALUE", with the scheme of an Authorization header.
    (
        re.compile(
            rf"\b({_NAMES})(\"?\s*[:=]\s*)(?!\[redacted])(?:\"[^\"\n]*\"|(?:(?:bearer|basic|digest|token)\s+)?[^\s'\",;]+)",
            re.I,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}", re.I), rf"\1 {HIDDEN}"),
    # The user information of a URL (RFC 3986 section 3.2.1).
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@:'\"]+:[^\s/@'\"]+@", re.I), rf"\1{HIDDEN}@"),
    # A JSON Web Token (RFC 7519): its header is base64url of `{"`.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),
)


def redact(text: str) -> str:
    """`text` with whatever looks like a credential replaced."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def redact_all(value: Any) -> Any:
    """Plain JSON data with each of its strings redacted; a value under a credential's name is hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_all(item) for item in value]
    if isinstance(value, dict):
        return {key: _entry(key, item) for key, item in value.items()}
    return value


def _entry(name: str, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_NAMES, name, re.I):
        return HIDDEN
    return redact_all(value)
