"""A bundle: manifests, how they are to be verified, and the index that says so."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from meshproof.border.facts.provenance import Question
from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS, Precision
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.codec import plain

API_VERSION, KIND = "meshproof.dev/v1alpha1", "Bundle"
INDEX = "index.json"
# What a run's folder calls its manifests: no name leads anywhere else.
FILE = re.compile(r"manifests/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}/(?:applied|specified)-\d{1,4}\.yaml\Z")
# What a live cluster's proxies dumped.
PROXY = re.compile(r"proxies/\d{1,4}\.json\Z")
MOST_WORDS = 10_000
LONGEST_WORD = 65_536


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How much was left out of a live cluster, by what it is, and in words what of it could not be read."""

    counts: Mapping[str, int]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files by their names, which are `specified` and which `applied`, and how they were verified.

    `left_out` is that of a live cluster; None for the bundle of a run. `scenario` is the one that it was (empty: a
    person's own manifests).
    """

    run_id: str
    version: str
    question: Question
    allowed: tuple[str, ...]
    precision: Precision
    seed: int
    specified: str
    applied: str
    files: Mapping[str, bytes]
    left_out: LeftOut | None = None
    scenario: str = ""


def index(bundle: Bundle) -> bytes:
    """The index as it is written."""
    hidden = sum(data.count(b"[redacted]") for data in bundle.files.values())
    data = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "run": bundle.run_id,
        "meshproof": bundle.version,
        "question": plain(bundle.question),
        "allowed": list(bundle.allowed),
        "precision": plain(bundle.precision),
        "seed": bundle.seed,
        "specified": bundle.specified,
        "applied": bundle.applied,
        "hidden": hidden,
        "files": {name: _digest(data) for name, data in sorted(bundle.files.items())},
    }
    if bundle.scenario:
        data["scenario"] = bundle.scenario
    if bundle.left_out:
        data["cluster"] = {"leftOut": dict(bundle.left_out.counts), "notRead": list(bundle.left_out.unread)}
    return (json.dumps(data, indent=2) + "\n").encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bundle(data: bytes, files: Mapping[str, bytes], name: str) -> Bundle:
    """The bundle of this index and these files; raises UsageError for an index that is not one, or of other files."""
    try:
        found: Any = json.loads(data)
        if not isinstance(found, dict) or (found.get("apiVersion"), found.get("kind")) != (API_VERSION, KIND):
            raise UsageError(f"{name}: no bundle ({KIND} of {API_VERSION}): its index says otherwise")
        known = Bundle(
            _text(found["run"]),
            _text(found["meshproof"]),
            _question(found["question"]),
            _texts(found["allowed"]),
            _precision(found["precision"]),
            _whole(found["seed"]),
            _text(found["specified"]),
            _text(found["applied"]),
            dict(files),
            _left_out(found["cluster"]) if "cluster" in found else None,
            _text(found.get("scenario", "")),
        )
        digests = found["files"]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UsageError(f"{name}: its index lacks a field, or has one of another type") from None
    if {known.specified, known.applied} - files.keys():
        raise UsageError(f"{name}: its index names files that are not in it")
    if digests != {one: _digest(content) for one, content in files.items()}:
        raise UsageError(f"{name}: its files are not those that its index names: it was changed")
    return known


def _left_out(data: Any) -> LeftOut:
    counts = data["leftOut"]
    return LeftOut({_text(name): _whole(count) for name, count in counts.items()}, _texts(data["notRead"]))


def _question(data: Any) -> Question:
    strict, thorough = data["strict"], data["thorough"]
    if not (isinstance(strict, bool) and isinstance(thorough, bool)):
        raise TypeError
    return Question(_text(data["namespace"]), _texts(data["requests"]), _text(data["sender"]), strict, thorough)


def _precision(data: Any) -> Precision:
    low, high = TOLERANCE_POINTS
    most = data["max_requests"]
    found = Precision(float(data["alpha"]), float(data["beta"]), float(data["tolerance"]), most)
    rates = all(ERROR_RATES[0] <= one <= ERROR_RATES[1] for one in (found.alpha, found.beta))
    capped = most is None or (type(most) is int and most >= 1)
    if not (rates and low <= found.tolerance * 100 <= high and capped):
        raise ValueError
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_WORD:
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_WORDS:
        raise TypeError
    return tuple(map(_text, value))


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value
