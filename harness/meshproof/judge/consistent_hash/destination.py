"""What is seen of one hashed destination of a route: which pod got which key."""

from __future__ import annotations

from dataclasses import field
from http import HTTPStatus

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.border.request import Hashing, HashKey
from meshproof.border.verdict import Outcome
from meshproof.judge.consistent_hash.key import Values, asks_to_change, given_cookies, is_given, key_of
from meshproof.judge.wording import joined
from meshproof.records import dataclass

# A choice that looks at no key gives one that was seen before to another pod at least every other time: it passes
# with probability 2⁻⁶⁴. Different keys that are hashed all reach one of two pods with probability 2⁻³⁹.
COMPARED = 64
KEYS = 40
# A proxy that gives no cookie never does.
GIVEN = 8


@dataclass(slots=True)
class Destination:
    """`keys` are those that requests of the load have; `unkeyed` tells that some of them are to be given a cookie."""

    name: str
    hashing: Hashing
    requests: list[int] = field(default_factory=list)
    keys: set[Values] = field(default_factory=set)
    unkeyed: bool = False
    obstacle: str = ""
    compared: int = 0
    given: int = 0
    fault: str = ""
    _pods: dict[Values, str] = field(default_factory=dict)

    def add(self, request: int, expectation: Expectation, arm: Arm) -> None:
        """Take note of a request of the load that this destination may get."""
        self.requests.append(request)
        key = key_of(expectation, arm)
        self.keys |= {key} if key is not None else set()
        self.unkeyed = self.unkeyed or bool(given_cookies(expectation, arm))

    def learns(self, expectation: Expectation, arm: Arm) -> bool:
        """Whether answers to a request say anything."""
        compared = self._compares and key_of(expectation, arm) is not None
        return compared or bool(given_cookies(expectation, arm))

    @property
    def shows(self) -> bool:
        """Whether anything can be seen of it: one pod gets every key."""
        return self.unkeyed or self._compares

    @property
    def outcome(self) -> Outcome:
        if self.fault:
            return Outcome.FAILED
        return Outcome.PASSED if self._complete else Outcome.INCONCLUSIVE

    @property
    def decided(self) -> bool:
        return bool(self.fault or self.obstacle) or self._complete

    def observe(self, observation: Observation, expectation: Expectation, arm: Arm) -> None:
        if self.fault or not observation.pod:
            return
        self._look_for_cookies(observation, expectation, arm)
        key = key_of(expectation, arm)
        if key is None:
            return
        if first := self._pods.get(key):
            self.compared += 1
            if first != observation.pod:
                pods = f"{first} and {observation.pod}"
                self.fault = f"one and the same {self._named(key)} reached {pods}, so it does not decide the pod"
            return
        self._pods[key] = observation.pod
        if self._spreads and len(self._pods) >= KEYS and len(set(self._pods.values())) == 1:
            several = f"{len(self._pods)} different values of {joined(str(one) for one in self.hashing.keys)}"
            self.fault = f"{several} all reached {observation.pod}, one of {self.hashing.pods} pods"

    def _look_for_cookies(self, observation: Observation, expectation: Expectation, arm: Arm) -> None:
        if asks_to_change(expectation) and observation.status != HTTPStatus.SWITCHING_PROTOCOLS:
            return
        headers = [value for name, value in observation.headers if name == "set-cookie"]
        for cookie in given_cookies(expectation, arm):
            self.given += 1
            if not any(is_given(cookie, one) for one in headers):
                got = f"has Set-Cookie: {joined(headers)}" if headers else "has no Set-Cookie"
                self.fault = f"the proxy is to give {_lasting(cookie)} to a client without it, and an answer {got}"

    @property
    def _compares(self) -> bool:
        return self.hashing.pods > 1

    @property
    def _spreads(self) -> bool:
        """Whether keys have to reach more than one pod."""
        return self._compares and self.hashing.even and len(self.keys) >= KEYS

    @property
    def _complete(self) -> bool:
        if self.obstacle:
            return False
        spread = not self._spreads or len(set(self._pods.values())) > 1
        compared = not self._compares or self.compared >= COMPARED
        return compared and spread and (not self.unkeyed or self.given >= GIVEN)

    def _named(self, key: Values) -> str:
        pairs = zip(self.hashing.keys, key, strict=True)
        return joined(f"{one} {value!r}" if value else str(one) for one, value in pairs if value is not None)

    def seen(self) -> str:
        """What was seen, for people."""
        if self.fault or self.obstacle:
            return self.fault or self.obstacle
        words = []
        if self._compares:
            pods = len(set(self._pods.values()))
            words.append(
                f"{len(self._pods)} keys reached {pods} pods, {self.compared} times the one of the time before"
            )
        if self.unkeyed:
            words.append(f"{self.given} answers gave the cookie")
        return joined(words)


def _lasting(cookie: HashKey) -> str:
    lasts = f" for {int(cookie.ttl)} s" if cookie.ttl else ""
    return f"the {cookie}{lasts}{f' and the path {cookie.path}' if cookie.path else ''}"
