"""What a run keeps of manifests that it did not read as they stand, and of Secrets whose contents it does not keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from meshproof.errors import Problem
from meshproof.manifest.documents import kept
from meshproof.manifest.documents.other_files import words, words_in
from meshproof.manifest.resource import Refusal, Resource
from meshproof.mesh.build.assemble import NAMED_ALONE, Built
from meshproof.mesh.model.names import covers

HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}")
LONGEST_HOST = 253
Body = Callable[[Resource], Any]


def wrong_secrets(built: Built) -> tuple[Refusal, ...]:
    """The Secrets whose contents are wrong: without those it could not be told again."""
    told: dict[str, list[Problem]] = {}
    for one in built.mesh.unmodelled:
        if one.kind in NAMED_ALONE and one.refused:
            told.setdefault(one.subject, []).append(Problem(one.location, one.why, one.needs))
    secrets = (one for one in built.read.resources if one.kind in NAMED_ALONE and str(one) in told)
    return tuple(Refusal(one.location, tuple(dict.fromkeys(told[str(one)])), one) for one in secrets)


def unread(built: Built, refused: Iterable[Refusal], requests: Iterable[str], body: Body) -> Iterator[dict[str, Any]]:
    """The documents of all that was `refused`, and of patches; `body` is what is kept of an object."""
    read = built.read
    known: Set[str] = frozenset()
    several = tuple(refused)
    if any(one.resource is None for one in several):
        known = _known(built, requests)
    for one in several:
        found = body(one.resource) if one.resource else None
        yield kept.refused(one, found, _told(one.words, known))
    for patch in read.patches:
        if document := kept.patched(patch, (*read.resources, *built.resources)):
            yield document


def _known(built: Built, requests: Iterable[str]) -> Set[str]:
    """All words that the other documents, and what is asked, could have in common with a text."""
    found = {word for one in (*built.read.resources, *built.read.foreign) for word in words(one.body)}
    found |= {service.host for service in built.mesh.services}
    for word in (word for one in requests for word in words_in(one)):
        found |= {word, word.partition(".")[0]}
    return found


def _told(several: Set[str], known: Set[str]) -> Iterator[str]:
    """The words of a text by which it can touch a request: others may be credentials, and are not kept."""
    patterns = [one for one in known if one.startswith("*")]
    for word in several:
        is_host = len(word) <= LONGEST_HOST and HOST.fullmatch(word)
        if word in known or (is_host and any(covers(one, word) for one in patterns)):
            yield word
