"""What can go wrong before a verdict exists.

A mesh that does not do what its YAML says is never an exception: it is a failed verdict. The
exceptions here mean that there is no verdict to give, and each knows the exit code it ends in.
"""

from __future__ import annotations

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a manifest; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a manifest, and what to do about it.

    `by_envoy`: istiod takes it, and Envoy then refuses all routes of the port.
    """

    location: Location
    message: str
    hint: str = ""
    by_envoy: bool = False

    def __str__(self) -> str:
        text = f"{self.location}: {self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class MeshproofError(Exception):
    """The base of every error that ends a run without a verdict."""

    exit_code = 3


class UsageError(MeshproofError):
    """The command, an option or a manifest is wrong; the message says what to do."""

    exit_code = 4


class ManifestError(UsageError):
    """Manifests that cannot be read; carries every problem found, each with file:line:col."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class TargetError(MeshproofError):
    """The harness or its target broke: a process died, a wait ran out, a configuration was refused.

    `detail` is what the broken part said last (the tail of its stderr, a NACK's reason).
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(f"{message}\n{detail.rstrip()}" if detail.strip() else message)
        self.message = message
        self.detail = detail
