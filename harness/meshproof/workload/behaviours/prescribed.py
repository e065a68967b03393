"""An answer that the request itself asks for: x-meshproof-answer says `STATUS SECONDS GRPC_STATUS`.

So one load shows what a mesh makes of slow and of failing workloads, each request meeting its own. What
is written there is border/prescription.py's.
"""

from __future__ import annotations

from meshproof.workload.message import Reply

LONGEST_SECONDS = 3600.0


def prescribed(value: bytes) -> Reply:
    """The answer that the header's value asks for; 400 for one that says something else."""
    try:
        first, second, third = value.split()
        status, seconds, grpc_status = int(first), float(second), int(third)
    except ValueError:
        status, seconds, grpc_status = 0, 0.0, 0
    if not (200 <= status <= 599 and 0 <= seconds <= LONGEST_SECONDS and 0 <= grpc_status <= 16):
        return Reply(400, b"x-meshproof-answer: STATUS SECONDS GRPC_STATUS\n")
    headers = (("grpc-status", str(grpc_status)),) if grpc_status else ()
    return Reply(status, b"as asked\n", headers=headers, delay=seconds)
