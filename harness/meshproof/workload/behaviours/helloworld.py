"""Istio's helloworld sample: https://github.com/istio/istio/tree/master/samples/helloworld."""

from __future__ import annotations

import re
from collections.abc import Callable

from meshproof.workload.identity import Identity
from meshproof.workload.message import Reply, Request


def behaviour(identity: Identity) -> Callable[[Request], Reply]:
    """`/hello` names the version and the instance that answered, `/health` answers 200."""
    version = identity.version
    if not version:
        tagged = re.search(r"helloworld-(v[0-9][0-9A-Za-z.]*)", identity.image)
        version = tagged.group(1) if tagged else "unknown"
    html = "text/html; charset=utf-8"
    paths = {
        "/hello": Reply(200, f"Hello version: {version}, instance: {identity.pod}\n".encode(), html),
        "/health": Reply(200, b"Helloworld is healthy", html),
    }
    # So that nobody takes what the sample does not know for a failure of the mesh.
    unknown = ("x-meshproof-unknown", "helloworld")
    missing = Reply(404, b"Not Found\n", html, (unknown,))
    refused = Reply(405, b"Method Not Allowed\n", html, (("allow", "GET, HEAD, OPTIONS"), unknown))

    def answer(request: Request) -> Reply:
        reply = paths.get(request.target) or paths.get(request.path, missing)
        return reply if reply is missing or request.method in ("GET", "HEAD", "OPTIONS") else refused

    return answer
