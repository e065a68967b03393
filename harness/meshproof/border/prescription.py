"""How a probe workload is to answer one request, said by the request itself."""

from __future__ import annotations

from meshproof.border.request import Request
from meshproof.errors import UsageError
from meshproof.records import dataclass

HEADER = "x-meshproof-answer"
ANSWERED = "meshproof"
MESSAGE = "m"
BEGUN = "b"


@dataclass(frozen=True, slots=True)
class Prescription:
    """`status` is answered after so many `seconds`, with a header grpc-status unless that is 0.

    Every try of the request meets it, at any replica. Proxies look at grpc-status in any answer. `headers` are names
    of further headers of the answer, each with the value ANSWERED. To gRPC a `grpc_status` comes in the head, and
    alone, as servers tell an error; with a `message` before it, it comes in the trailers. What has `begun` sends its
    head at once, and the end of its body after those seconds.
    """

    status: int
    seconds: float = 0.0
    grpc_status: int = 0
    headers: tuple[str, ...] = ()
    message: bool = False
    begun: bool = False

    @property
    def header(self) -> tuple[str, str]:
        """The request header that says it; workload/prescribed.py reads it."""
        named = f" {','.join(self.headers)}" if self.headers else ""
        seconds = f"{self.seconds:g}{BEGUN if self.begun else ''}"
        return HEADER, f"{self.status} {seconds} {self.grpc_status}{MESSAGE if self.message else ''}{named}"


def prescription(request: Request) -> Prescription | None:
    """What a request prescribes for its answer; raises ValueError for what is none."""
    value = next((value for name, value in request.headers if name == HEADER), "")
    if not value:
        return None
    status, seconds, grpc_status, *named = value.split()
    headers = tuple(named[0].split(",")) if named else ()
    message, begun = grpc_status.endswith(MESSAGE), seconds.endswith(BEGUN)
    number, after = int(grpc_status.removesuffix(MESSAGE)), float(seconds.removesuffix(BEGUN))
    return Prescription(int(status), after, number, headers, message, begun)


STREAM_HEADER = "x-meshproof-stream"
MESSAGES_HEADER = "x-meshproof-messages"
"""How many messages came, as a client adds it to what it observed of a call of several."""
CLIENT, SERVER, BOTH = "client", "server", "both"
# Messages of one call, and seconds between two of them.
MOST, LONGEST = 10_000, 3600.0


@dataclass(frozen=True, slots=True)
class Stream:
    """A call of gRPC with several messages, sent by its `sender`: the client, the server, or both in turn.

    There are so many `messages`, one each so many seconds (`every`); of both each answers the other's. A server sends
    its head at once, its messages after that, and its status in the trailers.
    """

    sender: str
    messages: int
    every: float = 0.0

    @property
    def header(self) -> tuple[str, str]:
        """The request header that says it; workload/behaviours/streams.py reads it."""
        return STREAM_HEADER, f"{self.sender} {self.messages} {self.every:g}"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.every * (self.messages if self.sender == SERVER else self.messages - 1)


def stream(request: Request) -> Stream | None:
    """What a call of several messages is; None for any other request; raises UsageError for what cannot be read."""
    value = next((value for name, value in request.headers if name == STREAM_HEADER), "")
    if not (value and request.is_call):
        return None
    try:
        sender, count, every = value.split()
        said = Stream(sender, int(count), float(every))
    except ValueError:
        said = Stream("", 0)
    if said.sender not in (CLIENT, SERVER, BOTH) or not (0 < said.messages <= MOST and 0 <= said.every <= LONGEST):
        usage = f"write {CLIENT}, {SERVER} or {BOTH}, how many (at most {MOST}), and one each so many seconds"
        raise UsageError(f"request {str(request)!r}: {STREAM_HEADER} {value!r}: {usage}: '{BOTH} 3 0.1'")
    return said
