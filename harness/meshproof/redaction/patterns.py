"""The one list of what a credential looks like: its names, and texts that are one by their form.

All but `SUSPECT` are compiled when a text holds something of that: in few does any, and compiling takes longer than
what most commands do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

HIDDEN = "[redacted]"

# Before a name: `x-vault-`, `DB_`, `clients.web.`; bounded, so that no text takes more than linear time.
_BEFORE = r"(?:[a-z0-9]{1,24}[-_.]){0,5}"
# Headers by their standard (RFC 9110 section 11, RFC 6265), whose value reaches to the end of its line.
_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie2?"
# Names of headers, of variables, of query parameters and of fields, as they stand or after one of _BEFORE.
_ENDINGS = (
    r"[a-z0-9]{0,24}(?:token|password|passwd|apikey)"
    r"|api[-_]?key|secret[-_]?key|private[-_]?key|client[-_]?key(?:[-_]data)?|signing[-_]?key|encryption[-_]?key|subscription[-_]key"
    r"|access[-_]?key(?:[-_]id)?|secret[-_]access[-_]key|client[-_]?secret|shared[-_]secret|app[-_]secret"
    r"|passphrase|passcode|pwd|session[-_]?id|(?:token|hmac|webhook)[-_]secret"
)
NAMES = rf"{_HEADERS}|{_BEFORE}(?:{_ENDINGS})|x-amz-(?:signature|credential)"
# What only in the query of a URL is the name of a credential.
_QUERY = rf"{NAMES}|{_BEFORE}(?:secret|auth|pass)|key|sig|signature|secret|auth|code|assertion|pass|jwt|sid"
_QUOTE = r"\\{0,3}[\"']"
_PAIR = (
    rf"({_QUOTE}?\b(?:name|key){_QUOTE}?\s*:\s*{_QUOTE}?(?:{NAMES}){_QUOTE}?\s*[,\n]\s*{_QUOTE}?value{_QUOTE}?\s*:\s*)"
)
# What begins with a quote and ends with its line was cut off there.
_CUT = r"(?:\\{1,3}\"|[\"'])(?:(?:bearer|basic|digest|token) )?[^\"'\s]+(?=\n|\Z)"
_VALUE = rf"(?:\\{{1,3}}\"[^\"\n]*?\\{{1,3}}\"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|{_CUT}|[^\s'\",;&)}}\]]+)"
# What names an object, `AuthorizationPolicy shop/`: its own name follows, and words that are said of it.
_SUBJECT = re.compile(r"(?<![A-Za-z])(?!Secret )[A-Z][A-Za-z]{2,40} [a-z0-9.-]{1,63}/\Z")
_SAID = re.compile(r" [a-z]{2,}\b")
_LONGEST_SUBJECT = 110
# Something of this stands in each text that a rule takes; to look for it is much quicker.
SUSPECT = re.compile(
    r"PRIVATE KEY-----|:/{1,2}[^\s/@]*@|[?&;]\w|auth|cookie|token|key|secret|pass|pwd|session|credential|signature"
    r"|bearer|basic|-u[ =]|--user|eyJ|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|hv[bsr]\.|AIza|k_live_",
    re.I,
)


def _hidden(found: re.Match[str]) -> str:
    """What stands in the place of a name and its value; an object whose name ends so has none."""
    start = found.start()
    said = found[2] == ": " and _SAID.match(found.string, found.end())
    if said and _SUBJECT.search(found.string, max(0, start - _LONGEST_SUBJECT), start):
        return found[0]
    return f"{found[1]}{found[2]}{HIDDEN}"


@cache
def rules() -> tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    """Each pattern, and what takes the place of what it finds."""
    return (
        # A PEM private key (RFC 7468), also one whose end was cut off.
        (
            re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
            HIDDEN,
        ),
        # The user information of a URL (RFC 3986 section 3.2.1); of http also a user alone, which may be a token.
        (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}:/{1,2})[^\s/@:'\"]*:[^\s/@'\"]*@", re.I), rf"\1{HIDDEN}@"),
        (re.compile(r"(\bhttps?:/{1,2})(?!\[redacted])[^\s/@:'\"?#]+@", re.I), rf"\1{HIDDEN}@"),
        (re.compile(rf"([?&;](?:{_QUERY})=)(?!\[redacted])[^\s&;#'\"]+", re.I), rf"\1{HIDDEN}"),
        # 'name:value with spaces' as shlex quotes one word of a request.
        (re.compile(rf"'((?:{NAMES})\s*:)[^']*'", re.I), rf"'\1{HIDDEN}'"),
        # A header's line.
        (
            re.compile(
                rf"(?<![a-z0-9])(?<![a-z0-9]-)((?:{_HEADERS}):[ \t]+)(?!\[redacted])(?:=\"[^\"\n]*\"|[^\n\"'])+", re.I
            ),
            rf"\1{HIDDEN}",
        ),
        # {"name": "NAME", "value": VALUE}, in YAML, in JSON, and in JSON within a text.
        (re.compile(rf"{_PAIR}(?!{_QUOTE}?\[redacted]){_VALUE}", re.I), rf"\1{HIDDEN}"),
        # NAME: VALUE, NAME=VALUE and "NAME": "VALUE", with the scheme of an Authorization header.
        (
            re.compile(
                rf"(?<![a-z0-9])(?<![a-z0-9]-)({NAMES})({_QUOTE}?[ \t]{{0,8}}[:=][ \t]{{0,8}})(?!{_QUOTE}?\[redacted])"
                rf"(?:(?:bearer|basic|digest|token)\s+[^\s'\",;]+|{_VALUE})",
                re.I,
            ),
            _hidden,
        ),
        # Such names that are those of objects too, only where a value is given to them.
        (
            re.compile(rf"(?<![a-z0-9])(?<![a-z0-9]-)({_BEFORE}(?:secret|auth|pass)=)(?!\[redacted]){_VALUE}", re.I),
            rf"\1{HIDDEN}",
        ),
        # --NAME VALUE
        (
            re.compile(rf"(?<![a-z0-9])(?<![a-z0-9]-)(--?(?:{NAMES})[ \t]+)(?!\[redacted]|-)[^\s'\"]+", re.I),
            rf"\1{HIDDEN}",
        ),
        # add('NAME', 'VALUE'), as a filter's Lua sets a header.
        (
            re.compile(rf"(\(\s*{_QUOTE}(?:{NAMES}){_QUOTE}\s*,\s*)(?!{_QUOTE}\[redacted]){_VALUE}", re.I),
            rf"\1'{HIDDEN}'",
        ),
        # The password of a user whom a command of a container names, as curl's: -u NAME:VALUE.
        (
            re.compile(
                r"((?<![^\s'\"])(?:-u|--user|--proxy-user)[ =]['\"]?[^\s:'\"\d][^\s:'\"]{0,60}:)"
                r"(?!\[redacted])[^\s'\"]+"
            ),
            rf"\1{HIDDEN}",
        ),
        (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}", re.I), rf"\1 {HIDDEN}"),
        # A JSON Web Token (RFC 7519): its header is base64url of `{"`.
        (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),
        # Tokens of AWS, GitHub, GitLab, Slack, Vault, Google and Stripe by the beginnings that their makers gave them.
        (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
        (
            re.compile(
                r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hv[bsr]\.|AIza|[rs]k_live_)[A-Za-z0-9_-]{16,}"
            ),
            HIDDEN,
        ),
    )


@cache
def flow() -> re.Pattern[str]:
    """A mapping of YAML or JSON under such a name, within one line: a condition on that header, say.

    Only lines that are quoted for people lose it whole; what is left of it would be no manifest any more.
    """
    return re.compile(rf"(?<![a-z0-9])(?<![a-z0-9]-)((?:{NAMES}){_QUOTE}?\s*:\s*)\{{[^{{}}\n]*\}}?", re.I)


@cache
def named() -> re.Pattern[str]:
    """The name of a credential, as a whole."""
    return re.compile(NAMES, re.I)


@cache
def option() -> re.Pattern[str]:
    """An option of a command whose value is one."""
    return re.compile(rf"--?(?:{NAMES}|{_BEFORE}(?:secret|auth|pass))", re.I)
