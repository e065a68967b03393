"""Any image that is no known sample: it answers with what it received and who received it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

from meshproof.workload.identity import Identity
from meshproof.workload.message import Reply, Request


def behaviour(identity: Identity) -> Callable[[Request], Reply]:
    """Every request gets 200 and a JSON object; `digest` is the SHA-256 of the request's body."""
    who = {"name": identity.workload.rpartition("/")[2], "labels": identity.labels, "pod": identity.pod}

    def answer(request: Request) -> Reply:
        seen = {
            "method": request.method,
            "path": request.target,
            "authority": request.authority,
            "headers": {name: ", ".join(values) for name, values in request.fields().items()},
            "size": len(request.body),
            "digest": sha256(request.body).hexdigest(),
        }
        return Reply(200, json.dumps(who | seen).encode() + b"\n", "application/json")

    return answer
