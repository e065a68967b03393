"""Requests that meet the conditions of two rules at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch
from meshproof.mesh.predict.match import matches, string_matches
from meshproof.mesh.requests.example import examples

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
# So many texts are tried where two regular expressions are to accept one.
MOST_TRIES = 400

Condition = tuple[StringMatch, bool]
Pairs = tuple[tuple[str, StringMatch], ...]


def meeting(base: Request, own: RouteMatch | None, other: RouteMatch | None) -> Iterator[Request]:
    """`base`, which meets `own`, made to meet `other` too; several where several paths do.

    Nothing where no such request is found, as where the conditions exclude each other.
    """
    if other is None:
        yield base
        return
    method = _method(base, own, other)
    refused = (*other.without_headers, *(own.without_headers if own else ()))
    headers = _named(dict(base.headers), own.headers if own else (), other.headers, refused)
    bare, _, query = base.path.partition("?")
    pairs = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    parameters = _named(pairs, own.query_params if own else (), other.query_params)
    if method is None or headers is None or parameters is None:
        return
    text = "&".join(f"{name}={value}" for name, value in parameters.items())
    for path in _paths(bare, own, other):
        whole = f"{path}?{text}" if text else path
        for named in _authorities(base, other, tuple(headers.items())):
            request = replace(base, method=method, path=whole, headers=named)
            if _is_sent_as_it_is(whole) and meets(own, request) and meets(other, request):
                yield request


def meets(match: RouteMatch | None, request: Request) -> bool:
    """Whether a request meets an entry, as proxies see it: its path normalised."""
    path = normalized(request.path)
    return path is not None and matches(match, replace(request, path=path))


def common(conditions: Sequence[Condition]) -> Iterator[str]:
    """Texts that meet all of these conditions, each of which may ignore case."""
    several = [examples(condition) for condition, _ in conditions]
    tried = [text for texts in several for text in texts]
    if len(several) > 1:
        # The beginning of what one accepts, with an end of what another does: /api/v1 and /api/.*/x give /api/v1/x.
        tried += [
            f"{start}{end[at:]}"
            for starts in several
            for ends in several
            if starts is not ends
            for start in starts
            for end in ends
            for at in range(len(end))
        ][:MOST_TRIES]
    for text in dict.fromkeys(tried):
        if all(string_matches(condition, text, ignore_case=ignored) for condition, ignored in conditions):
            yield text


def _is_sent_as_it_is(path: str) -> bool:
    return path.startswith("/") and all(" " < character < "\x7f" and character != "#" for character in path)


def _paths(path: str, own: RouteMatch | None, other: RouteMatch) -> Iterator[str]:
    wanted = [(one.uri, one.ignore_uri_case) for one in (own, other) if one and one.uri]
    if all(string_matches(condition, path, ignore_case=ignored) for condition, ignored in wanted):
        yield path
    if wanted:
        yield from (text for text in common(wanted) if text != path)


def _method(base: Request, own: RouteMatch | None, other: RouteMatch) -> str | None:
    wanted = [one.method for one in (own, other) if one and one.method]
    exact = [one.value for one in wanted if one.kind is MatchKind.EXACT]
    tries = (base.method, *exact, *METHODS)
    return next((text for text in tries if all(string_matches(one, text) for one in wanted)), None)


def _named(present: dict[str, str], own: Pairs, other: Pairs, refused: Pairs = ()) -> dict[str, str] | None:
    """Headers or parameters by name, with those that the other asks for; None where both exclude each other.

    None has a value that is `refused`.
    """
    found = dict(present)
    for name in dict.fromkeys((*dict(other), *(name for name, _ in refused if name in found))):
        wanted = [(condition, False) for asked, condition in (*other, *own) if asked == name]
        tries = (*((found[name],) if name in found else ()), *common(wanted))
        banned = [condition for asked, condition in refused if asked == name]
        fitting = (
            text
            for text in tries
            if all(string_matches(condition, text) for condition, _ in wanted)
            and not any(string_matches(condition, text) for condition in banned)
        )
        text = next(fitting, None)
        if text is None and wanted:
            return None
        found.pop(name, None)
        if text is not None:
            found[name] = text
    return found


def _authorities(
    base: Request, other: RouteMatch, headers: tuple[tuple[str, str], ...]
) -> Iterator[tuple[tuple[str, str], ...]]:
    """The headers, with a Host that meets the other entry's condition where the request's own authority does not."""
    if other.authority is None or string_matches(other.authority, base.authority):
        yield headers
        return
    kept = tuple(pair for pair in headers if pair[0] != "host")
    for text in (f"{base.host}:{base.port}", *examples(other.authority)):
        yield (*kept, ("host", text))
