"""An answer that the request itself asks for: `x-meshproof-answer: STATUS SECONDS[b] GRPC_STATUS[m] [NAME,NAME]`.

So one load shows what a mesh does with slow and with failing workloads, each request meeting its own. The
harness writes that header in border/prescription.py.
"""

from __future__ import annotations

import re

from meshproof.workload.message import Reply

# Marks a status that comes after a message, and an answer that begins at once and ends after its seconds.
MESSAGE, BEGUN = "m", "b"
LONGEST_SECONDS = 3600.0
# The value of each header that a request asks for by its name.
ANSWERED = "meshproof"
NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(,[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")


def prescribed(value: bytes) -> Reply:
    """The answer that the header's value asks for; 400 for one that cannot be read."""
    try:
        first, second, third, *rest = value.decode().split()
        message, number = third.endswith(MESSAGE), third.removesuffix(MESSAGE)
        begun, after = second.endswith(BEGUN), second.removesuffix(BEGUN)
        status, seconds, grpc_status, named = int(first), float(after), int(number), "".join(rest)
    except ValueError:
        status, seconds, grpc_status, rest, named, message, begun = 0, 0.0, 0, [], "", False, False
    readable = len(rest) < 2 and (not named or NAMES.fullmatch(named))
    if not (readable and 200 <= status <= 599 and 0 <= seconds <= LONGEST_SECONDS and 0 <= grpc_status <= 16):
        return Reply(400, b"x-meshproof-answer: STATUS SECONDS GRPC_STATUS [NAME,NAME]\n")
    said = (("grpc-status", str(grpc_status)),) if grpc_status else ()
    own = tuple((name, ANSWERED) for name in named.split(",") if name)
    reply = Reply(status, b"as asked\n", headers=own if message else (*said, *own), trailers=said if message else ())
    reply.delay, reply.pause = (0.0, seconds) if begun else (seconds, 0.0)
    return reply
