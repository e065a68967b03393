"""A condition that a request does not meet, as a sentence."""

from __future__ import annotations

from dataclasses import replace

from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.model.virtual_service import MatchKind
from meshproof.mesh.predict.match import Miss
from meshproof.redaction.credentials import is_credential
from meshproof.redaction.patterns import HIDDEN


def shown(miss: Miss) -> Miss:
    """The same without the values of a condition on a credential."""
    if not holds_credential(miss):
        return miss
    kind, value = _parts(miss)
    hidden = f"{kind} {HIDDEN}" if kind and value else HIDDEN if value else miss.wanted
    return replace(miss, wanted=hidden, found=HIDDEN if miss.known else miss.found)


def holds_credential(miss: Miss) -> bool:
    """Whether what it is on is the name of a credential: `headers authorization`."""
    return is_credential(miss.on.rpartition(" ")[2])


def worded(miss: Miss, words: Words = ENGLISH) -> str:
    """What was wanted, and what was found."""
    miss = shown(miss)
    must = _must(miss, words) if miss.asked else _must_not(miss, words)
    if not miss.known:
        return words("{must}, and nobody can tell what it will be ({found})", must=must, found=miss.found)
    if miss.there:
        return words("{must}, and is {found}", must=must, found=repr(miss.found))
    return words("{must}, and there is none", must=must)


def _parts(miss: Miss) -> tuple[str, str]:
    """The kind of a match and its value; a condition on the client has a value alone, `present` has none."""
    for kind in MatchKind:
        if kind is MatchKind.PRESENT and miss.wanted == kind:
            return kind, ""
        if miss.wanted.startswith(f"{kind} "):
            return kind, miss.wanted.removeprefix(f"{kind} ")
    return "", miss.wanted


def _must(miss: Miss, words: Words) -> str:
    kind, value = _parts(miss)
    match kind:
        case MatchKind.EXACT:
            return words("{what} must be exactly {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.PREFIX:
            return words("{what} must begin with {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.PATH_PREFIX:
            return words("{what} must begin with the segments {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.REGEX:
            return words("{what} must match {wanted} as a whole", what=miss.on, wanted=value)
        case MatchKind.PRESENT:
            return words("{what} must be present", what=miss.on)
    return words("{what} must be {wanted}", what=miss.on, wanted=value)


def _must_not(miss: Miss, words: Words) -> str:
    kind, value = _parts(miss)
    match kind:
        case MatchKind.EXACT:
            return words("{what} must not be exactly {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.PREFIX:
            return words("{what} must not begin with {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.PATH_PREFIX:
            return words("{what} must not begin with the segments {wanted}", what=miss.on, wanted=repr(value))
        case MatchKind.REGEX:
            return words("{what} must not match {wanted} as a whole", what=miss.on, wanted=value)
        case MatchKind.PRESENT:
            return words("{what} must not be present", what=miss.on)
    return words("{what} must not be {wanted}", what=miss.on, wanted=value)
