"""How traffic is driven: a shape (a locustfile in loadtests/), what it requests, and with how many users."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshproof.border.request import Request, parse


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of the client, beside the scenario: whom it trusts, and who it is (empty: nobody)."""

    ca: str = ""
    cert: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """A load to drive.

    `shape` names a locustfile in loadtests/, or one of the courses of the engine that pace one
    (`barrier`, `ejection`); `send` is what it requests, one or several, in turn, as text or as
    Request; `users` is the number of requests under way at once; `timeout` is the client's patience
    for one answer in seconds. `headers` names response headers to keep with each observation beside
    the usual ones; `digest` keeps the SHA-256 of each response's body.
    """

    shape: str
    send: str | Request | tuple[str | Request, ...]
    users: int = 8
    timeout: float = 15.0
    headers: tuple[str, ...] = ()
    digest: bool = False
    tls: Tls = field(default_factory=Tls)

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is sent, parsed; raises UsageError."""
        several = self.send if isinstance(self.send, tuple) else (self.send,)
        return tuple(parse(one) if isinstance(one, str) else one for one in several)


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where the load generator stands.

    `command` is put before the generator's own command line (empty: run it here); `resolve` maps
    Request.endpoint to the (address, port) to connect to, like curl's --resolve; what is not in it is
    resolved where the generator runs.
    """

    command: tuple[str, ...] = ()
    resolve: tuple[tuple[str, tuple[str, int]], ...] = ()
