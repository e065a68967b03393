"""What building a mesh turns up beside the mesh: problems, notices, and what is not modelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.resource import Notice, Resource
from meshproof.manifest.schema import REFUSED
from meshproof.manifest.value import Value
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import ALL_WAYS_IN, Touches, Unmodelled
from meshproof.records import dataclass

Reach = tuple[Touches, ...] | Callable[[], tuple[Touches, ...]]
EMPTY: tuple[object, ...] = ((), {}, False)


@dataclass(slots=True)
class Findings:
    """A list to write on, handed down the builders.

    `subject` is the resource that is being built, `touches` what a field of it that is not modelled can touch, or
    how to find that out: of most resources nobody asks. With `joining` resources are put together that have been built:
    what is wrong with one is then told at once, and else kept in `problems` for who builds it.
    """

    problems: list[Problem] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    unmodelled_parts: list[Unmodelled] = field(default_factory=list)
    subject: Resource | None = None
    touches: Reach = ()
    joining: bool = False
    whole: Reach = ()

    @contextmanager
    def about(self, subject: Resource, touches: Reach) -> Iterator[None]:
        """Build one resource; what is not modelled of it touches these requests."""
        before = self.subject, self.touches, self.whole
        self.subject, self.touches, self.whole = subject, touches, touches
        try:
            with self.gather():
                yield
        finally:
            self.subject, self.touches, self.whole = before

    @contextmanager
    def within(self, *touches: Touches) -> Iterator[None]:
        """Build a part of a resource that touches fewer requests than the whole."""
        before = self.touches
        self.touches = touches
        try:
            yield
        finally:
            self.touches = before

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Keep the problems of one part, so that those of the next are found as well."""
        try:
            yield
        except ManifestError as error:
            if self.joining and self.subject:
                reach = self.whole() if callable(self.whole) else self.whole
                for one in error.problems:
                    touches = ALL_WAYS_IN if one.by_envoy else reach
                    self.unmodelled_parts.append(refused_part(self.subject, one, touches))
            else:
                self.problems += error.problems

    def notice(self, location: Location, message: str, topic: str = "") -> None:
        """Say something that a person should know; `topic` (a Topic) tells what kind of thing it is."""
        self.notices.append(Notice(location, message, topic))

    def unmodelled(self, holder: Value | None, *names: str, touches: tuple[Touches, ...] = ()) -> None:
        """Say of each of these fields that is given that it is not modelled; `touches` as in `unproved`."""
        given = holder.names() if holder else ()
        for name in names:
            found = holder.get(name) if holder and name in given else None
            if found and found.data not in EMPTY:
                self.unproved(found.key or found.location, f"{name} is not modelled", touches=touches)

    def unproved(
        self, location: Location, why: str, *, needs: str = "", touches: tuple[Touches, ...] = (), topic: str = ""
    ) -> None:
        """Say that something of the resource is not understood, so that no request that it can touch is proved."""
        subject = self.subject
        kind, name = (subject.kind, str(subject)) if subject else ("", "")
        reach = touches or (self.touches() if callable(self.touches) else self.touches)
        self.unmodelled_parts.append(Unmodelled(kind, name, location, why, reach, needs, topic=topic))


def refused_part(subject: Resource, problem: Problem, touches: tuple[Touches, ...]) -> Unmodelled:
    """What is refused of a resource, and touches these requests for it."""
    refused, topic = (False, Topic.ENVOY_REFUSES) if problem.by_envoy else (True, "")
    where, why = problem.location, problem.message
    return Unmodelled(subject.kind, str(subject), where, why, touches, advice(problem), refused, topic)


def advice(problem: Problem) -> str:
    """What to do about it; that it is refused is said anyway."""
    return "" if problem.hint == REFUSED else problem.hint
