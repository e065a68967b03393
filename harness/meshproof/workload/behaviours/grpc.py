"""Any method of any service of gRPC: it takes one message and gives it back.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from meshproof.workload.message import Reply, Request

CONTENT_TYPE = "application/grpc"
OK = (("grpc-status", "0"),)
INTERNAL = (("grpc-status", "13"), ("grpc-message", "one message%2C not compressed%2C is taken"))
FRAME = 5


def is_call(request: Request) -> bool:
    """Whether it is gRPC, as proxies see it."""
    said = next((value for name, value in request.headers if name.lower() == b"content-type"), b"")
    return said == b"application/grpc" or said.startswith(b"application/grpc+")


def called(request: Request) -> Reply:
    """The message as it came."""
    body = request.body
    whole = len(body) >= FRAME and body[0] == 0 and int.from_bytes(body[1:FRAME], "big") == len(body) - FRAME
    return Reply(200, body, CONTENT_TYPE, trailers=OK) if whole else Reply(200, b"", headers=INTERNAL)


def told(reply: Reply) -> Reply:
    """An answer that was asked for, as gRPC gives it: a status that is no success comes in the head, and alone."""
    if reply.status != 200:
        return reply
    named = dict(reply.headers)
    own = [pair for pair in reply.headers if pair[0] not in ("content-type", "grpc-status")]
    status = named.get("grpc-status", "0")
    if status == "0":
        said = Reply(200, bytes(FRAME), CONTENT_TYPE, own, reply.delay, reply.trailers or OK)
        said.pause = reply.pause
        return said
    return Reply(200, b"", headers=[("content-type", CONTENT_TYPE), ("grpc-status", status), *own], delay=reply.delay)
