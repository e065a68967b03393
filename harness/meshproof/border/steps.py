"""What a trial asks of the course that paces its load: one step after another."""

from __future__ import annotations

from math import inf

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class OneByOne:
    """So many requests, each after the answer to the one before."""

    requests: int

    def __str__(self) -> str:
        return f"{self.requests} one by one"


@dataclass(frozen=True, slots=True)
class AtOnce:
    """`size` requests under way together, because the pod holds what it receives until all have been accounted for.

    With `fails` the pod first answers each with that status at once: what it then holds are the retries. So many
    others are held `beside` them, which it does not answer so.
    """

    size: int
    fails: int = 0
    beside: int = 0

    def __str__(self) -> str:
        others = f" beside {self.beside} held" if self.beside else ""
        return f"{self.size} at once, {f'retried after {self.fails}' if self.fails else 'held'}{others}"

    @property
    def whole(self) -> int:
        """How many requests of one client are under way in all."""
        return self.size + self.beside


@dataclass(frozen=True, slots=True)
class ConcurrentUsers:
    """So many users, each sending its next request as soon as its last is answered, `requests` in all."""

    users: int
    requests: int

    def __str__(self) -> str:
        return f"{self.requests} by {self.users} user{'s'[: self.users > 1]}"


@dataclass(frozen=True, slots=True)
class Blocked:
    """One request while the pod neither accepts nor refuses connections."""

    def __str__(self) -> str:
        return "one whose connection does not open"


@dataclass(frozen=True, slots=True)
class Failing:
    """One request whose every try the pod answers with that status."""

    status: int

    def __str__(self) -> str:
        return f"one that the pod answers {self.status}"


@dataclass(frozen=True, slots=True)
class Rested:
    """One request after so many seconds without any; after `most` or more it would not show what it is to show."""

    seconds: float
    most: float = inf

    def __str__(self) -> str:
        return f"one after {self.seconds:g} s of rest"


Step = OneByOne | AtOnce | ConcurrentUsers | Blocked | Failing | Rested


RESET = 0
REFUSED = -1


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that a pod makes: it answers `status`, or instead RESETs or has REFUSED the connection.

    `errors` in a row eject it; 0: however many there are, they do not.
    """

    status: int
    errors: int = 0

    def __str__(self) -> str:
        return {RESET: "reset", REFUSED: "refused"}.get(self.status, str(self.status))
