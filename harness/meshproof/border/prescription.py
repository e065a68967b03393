"""How a probe workload is to answer one request, said by the request itself."""

from __future__ import annotations

from meshproof.border.request import Request
from meshproof.records import dataclass

HEADER = "x-meshproof-answer"
ANSWERED = "meshproof"
MESSAGE = "m"


@dataclass(frozen=True, slots=True)
class Prescription:
    """`status` is answered after so many `seconds`, with a header grpc-status unless that is 0.

    Every try of the request meets it, at any replica. Proxies look at grpc-status in any answer. `headers` are names
    of further headers of the answer, each with the value ANSWERED. To gRPC a `grpc_status` comes in the head, and
    alone, as servers tell an error; with a `message` before it, it comes in the trailers.
    """

    status: int
    seconds: float = 0.0
    grpc_status: int = 0
    headers: tuple[str, ...] = ()
    message: bool = False

    @property
    def header(self) -> tuple[str, str]:
        """The request header that says it; workload/prescribed.py reads it."""
        named = f" {','.join(self.headers)}" if self.headers else ""
        return HEADER, f"{self.status} {self.seconds:g} {self.grpc_status}{MESSAGE if self.message else ''}{named}"


def prescription(request: Request) -> Prescription | None:
    """What a request prescribes for its answer; raises ValueError for what is none."""
    value = next((value for name, value in request.headers if name == HEADER), "")
    if not value:
        return None
    status, seconds, grpc_status, *named = value.split()
    headers = tuple(named[0].split(",")) if named else ()
    message = grpc_status.endswith(MESSAGE)
    return Prescription(int(status), float(seconds), int(grpc_status.removesuffix(MESSAGE)), headers, message)
