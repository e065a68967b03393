"""One request as its client saw it."""

from __future__ import annotations

from meshproof.border.grpc import STATUS_HEADER
from meshproof.records import dataclass

UNANSWERED = "no answer within"
"""How an error begins that says for how long a client has waited in vain."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of one request.

    `id` is its x-meshproof-id; `request` the index into Load.requests; `stage` the stage of the
    scenario that had been announced to the generator when it sent the request (a transition
    between two stages has the negative number of the stage it leads to); `started` is in seconds
    since the load began, `latency` in seconds; `status` is 0 when no answer came and `error` then
    says why; `pod` is the pod that answered and `workload` its Deployment (`namespace/name`),
    both empty when a proxy answered; `headers` holds the response headers that checks read (names
    in lower case); `digest` is the SHA-256 of the response's body, hexadecimal, when the load asked
    for it; `stalled` is for how many seconds of the latency the machine that measured stood still, and `waited` for how
    many a proxy of the mesh waited for the processor in one go, at most.
    """

    id: str
    request: int
    stage: int
    started: float
    latency: float
    status: int
    pod: str = ""
    workload: str = ""
    error: str = ""
    size: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    digest: str = ""
    stalled: float = 0.0
    waited: float = 0.0

    @property
    def grpc_status(self) -> int | None:
        """What the header grpc-status of the answer says; None where it says nothing."""
        said = next((value for name, value in self.headers if name == STATUS_HEADER), "")
        return int(said) if said.isascii() and said.isdigit() else None
