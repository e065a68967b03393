"""An answer that the request itself asks for by a header `x-meshproof-answer: STATUS SECONDS GRPC_STATUS`.

So one load shows what a mesh does with slow and with failing workloads, each request meeting its own. The
harness writes that header in border/prescription.py.
"""

from __future__ import annotations

from meshproof.workload.message import Reply

LONGEST_SECONDS = 3600.0


def prescribed(value: bytes) -> Reply:
    """The answer that the header's value asks for; 400 for one that cannot be read."""
    try:
        first, second, third = value.split()
        status, seconds, grpc_status = int(first), float(second), int(third)
    except ValueError:
        status, seconds, grpc_status = 0, 0.0, 0
    if not (200 <= status <= 599 and 0 <= seconds <= LONGEST_SECONDS and 0 <= grpc_status <= 16):
        return Reply(400, b"x-meshproof-answer: STATUS SECONDS GRPC_STATUS\n")
    headers = (("grpc-status", str(grpc_status)),) if grpc_status else ()
    return Reply(status, b"as asked\n", headers=headers, delay=seconds)
