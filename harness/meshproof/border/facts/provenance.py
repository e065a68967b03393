"""What a run was made of: the files read, the commit that they stand in, the machine, and what was to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Digest:
    """A file as it was read or written: its name, the SHA-256 of its bytes in hexadecimal digits, and their number."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Sources:
    """The manifests of a run: what was specified, and what was applied where that was read from other files."""

    specified: tuple[Digest, ...] = ()
    applied: tuple[Digest, ...] = ()


NO_SOURCES = Sources()


@dataclass(frozen=True, slots=True)
class Commit:
    """The git commit that manifests stand in. It is `clean` when each of them was read as it stands there.

    `changed` are those that were not.
    """

    id: str
    clean: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What belongs together in a certificate: a folder of scenarios, or a person's own manifests.

    `core` and `extended` are names of scenarios: without one of the core nothing is certified. `features` are what
    each of them needs of a target.
    """

    name: str
    core: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    features: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SelfCheckScore:
    """How many wrong manifests were found out, of those tried; `found` is how many they were drawn from."""

    killed: int
    of: int
    found: int
    seed: int
    survived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """How a person's own manifests were verified: what names none stands in `namespace`, and `sender` sends."""

    namespace: str = ""
    requests: tuple[str, ...] = ()
    sender: str = ""
    strict: bool = False
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """All of it. `platform` are facts of the machine that drives; `offers` the target's features.

    `allowed` are the kinds that need not be proved, and `allowed_by` who answers for that (empty: not said).
    `not_asked` are profiles that the target has nothing for, and that nobody named. `question` is how a person's own
    manifests were verified.
    """

    sources: Sources = NO_SOURCES
    commit: Commit | None = None
    platform: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    not_asked: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    allowed_by: str = ""
    self_check: SelfCheckScore | None = None
    question: Question | None = None
