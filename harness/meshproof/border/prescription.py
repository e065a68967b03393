"""How a probe workload is to answer one request, said by the request itself."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.border.request import Request

HEADER = "x-meshproof-answer"


@dataclass(frozen=True, slots=True)
class Prescription:
    """`status` is answered after so many `seconds`, with a header grpc-status unless that is 0.

    Every try of the request meets it, at any replica. Proxies look at grpc-status in any answer.
    """

    status: int
    seconds: float = 0.0
    grpc_status: int = 0

    @property
    def header(self) -> tuple[str, str]:
        """The request header that says it; workload/prescribed.py reads it."""
        return HEADER, f"{self.status} {self.seconds:g} {self.grpc_status}"


def prescription(request: Request) -> Prescription | None:
    """What a request prescribes for its answer; raises ValueError for what is none."""
    value = next((value for name, value in request.headers if name == HEADER), "")
    if not value:
        return None
    status, seconds, grpc_status = value.split()
    return Prescription(int(status), float(seconds), int(grpc_status))
