"""What meshproof's client sends beside the headers that a request names."""

from __future__ import annotations

from functools import lru_cache

from meshproof.border.request import Request

# traffic/generator/prepared.py writes these.
USER_AGENT = ("user-agent", "meshproof")
ACCEPT = ("accept", "*/*")
ID = "x-meshproof-id"
WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
# Of the head of a request: method, target and version; and of each of its lines: `: ` and the line's end.
VERSION = len("  HTTP/1.1\r\n\r\n")
SEPARATORS = len(": \r\n")


@lru_cache(maxsize=64)
def sent_headers(request: Request) -> tuple[tuple[str, str], ...]:
    """The header fields of a request as they leave the client, but for its id; names are in lower case."""
    own = {name.lower() for name, _ in request.headers}
    defaults = (("host", request.authority), USER_AGENT, ACCEPT)
    found = [pair for pair in defaults if pair[0] not in own]
    found += [(name.lower(), value) for name, value in request.headers if name.lower() not in (ID, "content-length")]
    if not request.is_call and (request.body or request.method in WITH_LENGTH):
        found.append(("content-length", str(len(request.body))))
    return tuple(found)


def head_bytes(request: Request, id_bytes: int) -> int:
    """How long the head of a request is, with an id of so many bytes."""
    lines = sum(
        len(name.encode()) + len(value.encode("utf-8", "surrogateescape")) + SEPARATORS
        for name, value in sent_headers(request)
    )
    return len(request.method) + len(request.path.encode()) + VERSION + lines + len(ID) + id_bytes + SEPARATORS
