"""Whether every request that meets one entry of `match` surely meets another one, so that the other hides it.

It says yes only where that can be told from the conditions themselves (match.py says what each of them takes): two
regular expressions are compared by their text.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, StringMatch, TcpMatch, TcpRoute
from meshproof.mesh.predict.match import string_matches

Named = tuple[tuple[str, StringMatch], ...]
# Characters that mean something in a regular expression: it begins as written up to the first of them.
SPECIAL = frozenset("\\.+*?()|[]{}^$")


def covers(wide: RouteMatch | None, narrow: RouteMatch | None) -> bool:
    """Whether `wide` takes every request that `narrow` takes, of every client that has it (None: all requests)."""
    if wide is None:
        return True
    own = narrow or RouteMatch(location=wide.location)
    return (
        _clients(wide, own)
        and _path(wide, own)
        and all(
            _implied(condition, given)
            for condition, given in (
                (wide.method, own.method),
                (wide.scheme, own.scheme),
                (wide.authority, own.authority),
            )
        )
        and _named(wide.headers, own.headers)
        and _named(wide.query_params, own.query_params)
        and _without(wide, own)
    )


def is_hidden(rule: HttpRoute | TcpRoute, earlier: Sequence[HttpRoute | TcpRoute]) -> bool:
    """Whether the rules before it surely take everything that a rule could."""
    before = [match for one in earlier for match in one.matches or (None,)]
    return all(any(_takes(wide, narrow) for wide in before) for narrow in rule.matches or (None,))


def _takes(wide: RouteMatch | TcpMatch | None, narrow: RouteMatch | TcpMatch | None) -> bool:
    if wide is None:
        return True
    if isinstance(wide, TcpMatch):
        return not isinstance(narrow, RouteMatch) and covers_connections(wide, narrow)
    return not isinstance(narrow, TcpMatch) and covers(wide, narrow)


def covers_connections(wide: TcpMatch | None, narrow: TcpMatch | None) -> bool:
    """The same of two entries for connections; among names of handshakes the narrower one wins, whatever the order."""
    if wide is None:
        return True
    own = narrow or TcpMatch(location=wide.location)
    named = bool(wide.sni_hosts) == bool(own.sni_hosts) and set(own.sni_hosts) <= set(wide.sni_hosts)
    return named and not wide.by_address and _clients(wide, own)


def _clients(wide: RouteMatch | TcpMatch, narrow: RouteMatch | TcpMatch) -> bool:
    if wide.port is not None and wide.port != narrow.port:
        return False
    if wide.gateways:
        return bool(narrow.gateways) and set(narrow.gateways) <= set(wide.gateways)
    # istiod looks at the source only where the match names no gateways.
    if wide.source_namespace or wide.source_labels:
        same = not narrow.gateways and wide.source_namespace in ("", narrow.source_namespace)
        return same and wide.source_labels.items() <= narrow.source_labels.items()
    return True


def _path(wide: RouteMatch, narrow: RouteMatch) -> bool:
    if wide.uri is None or (wide.uri.kind, wide.uri.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*")):
        return True
    if narrow.uri is None or (narrow.ignore_uri_case and not wide.ignore_uri_case):
        return False
    return string_implied(wide.uri, narrow.uri, ignore_case=wide.ignore_uri_case)


def _implied(wide: StringMatch | None, narrow: StringMatch | None) -> bool:
    return wide is None or (narrow is not None and string_implied(wide, narrow))


def string_implied(wide: StringMatch, narrow: StringMatch, *, ignore_case: bool = False) -> bool:
    """Whether every text that meets `narrow` meets `wide`."""
    if wide.kind is MatchKind.PRESENT:
        return True
    if narrow.kind is MatchKind.EXACT:
        return string_matches(wide, narrow.value, ignore_case=ignore_case)
    if wide.kind is MatchKind.REGEX:
        same = narrow.kind is MatchKind.REGEX and narrow.value == wide.value
        return same or wide.value == ".*"
    if narrow.kind is MatchKind.REGEX:
        slash = "/" if wide.kind is MatchKind.PATH_PREFIX else ""
        head, wanted = literal_head(narrow.value), wide.value.removesuffix(slash) + slash
        prefixes = wide.kind in (MatchKind.PREFIX, MatchKind.PATH_PREFIX)
        return prefixes and (head.lower().startswith(wanted.lower()) if ignore_case else head.startswith(wanted))
    if wide.kind is MatchKind.PREFIX:
        prefixes = narrow.kind in (MatchKind.PREFIX, MatchKind.PATH_PREFIX)
        return prefixes and string_matches(wide, narrow.value, ignore_case=ignore_case)
    segments = narrow.kind is MatchKind.PATH_PREFIX and wide.kind is MatchKind.PATH_PREFIX
    return segments and string_matches(wide, narrow.value, ignore_case=ignore_case)


def literal_head(pattern: str) -> str:
    """What every match of a regular expression begins with, as far as it is plainly written."""
    pattern = pattern.removeprefix("^")
    if "|" in pattern or pattern.startswith("(?"):
        return ""
    at = next((number for number, character in enumerate(pattern) if character in SPECIAL), len(pattern))
    # The last character may be optional, or repeated.
    return pattern[: max(0, at - 1)] if at < len(pattern) and pattern[at] in "*?{" else pattern[:at]


def _named(wide: Named, narrow: Named) -> bool:
    return all(any(name == own and string_implied(one, given) for own, given in narrow) for name, one in wide)


def _without(wide: RouteMatch, narrow: RouteMatch) -> bool:
    """Whether what the wide entry must not meet is nothing that the narrow one takes."""
    return all(
        any(name == own and (one.kind, one.value) == (given.kind, given.value) for own, given in narrow.without_headers)
        for name, one in wide.without_headers
    )
