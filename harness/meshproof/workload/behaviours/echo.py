"""Any image that is no known sample: it answers with what it received and who received it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from meshproof.workload.identity import Identity
from meshproof.workload.message import Reply, Request, digest

KIND = "application/json"


def behaviour(identity: Identity) -> Callable[[Request], Reply]:
    """Every request gets 200 and a JSON object; `digest` is the SHA-256 of the request's body.

    It is written here, field by field: json.dumps takes three times as long, for a third of all that a workload does.
    """
    who = {"name": identity.workload.rpartition("/")[2], "labels": identity.labels, "pod": identity.pod}
    begin = json.dumps(who)[:-1]

    def answer(request: Request) -> Reply:
        seen = (
            f'{begin}, "method": {quoted(request.method)}, "path": {quoted(request.target)}, '
            f'"authority": {quoted(request.authority)}, "headers": {{{_headers(request)}}}, '
            f'"size": {len(request.body)}, "digest": "{digest(request.body)}"}}\n'
        )
        return Reply(200, seen.encode(), KIND)

    return answer


def _headers(request: Request) -> str:
    """The members of a JSON object: each name with its values, joined by commas."""
    own = {_name(name): value for name, value in request.headers}
    if len(own) < len(request.headers):
        return json.dumps({name: ", ".join(values) for name, values in request.fields().items()})[1:-1]
    return ", ".join([f"{name}: {quoted(value.decode('latin-1'))}" for name, value in own.items()])


@lru_cache(maxsize=256)
def _name(raw: bytes) -> str:
    return quoted(raw.decode("latin-1").lower())
