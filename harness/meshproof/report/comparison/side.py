"""One of two runs, as its certificate tells it."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.certificate.document import document
from meshproof.report.certificate.reading import certificate, content
from meshproof.report.log import replay
from meshproof.report.record import gather
from meshproof.report.run_folder import EVENTS

LISTS = {
    "passedTests": "passed",
    "failedTests": "failed",
    "inconclusiveTests": "inconclusive",
    "brokenTests": "error",
    "skippedTests": "skipped",
}


@dataclass(frozen=True, slots=True)
class Share:
    """A destination's part of the requests: `count` of `n` were its, `expected` is the specified fraction."""

    expected: float
    count: int
    n: int

    @property
    def observed(self) -> float:
        return self.count / self.n


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared of a run; `tests`, `checks` and `shares` are by their names, `facts` what it ran on and with.

    `gaps` are those beside its tests.
    """

    name: str
    headline: str
    tests: Mapping[str, str]
    checks: Mapping[str, str]
    shares: Mapping[str, Share]
    gaps: frozenset[str]
    facts: Mapping[str, str]


def read(path: Path) -> Side:
    """A run's folder, or a certificate; raises UsageError for anything else."""
    if path.is_dir():
        record = gather(replay(path / EVENTS))
        if record.started is None:
            raise UsageError(f"{path / EVENTS}: no run was begun in it")
        return side(json.loads(json.dumps(document(record))), str(path))
    return side(certificate(content(path), str(path)), str(path))


def side(data: Mapping[str, Any], name: str) -> Side:
    """The certificate's data; raises UsageError where it is not as meshproof writes it."""
    try:
        shares: dict[str, Share] = {}
        checks: dict[str, str] = {}
        for one in data["results"]:
            name_of_check = _distinct(_check(one), checks)
            checks[name_of_check] = str(one["outcome"])
            for effect in one["effects"]:
                share = Share(float(effect["expected"]), int(effect["count"]), int(one["n"]))
                if 0 <= share.count <= share.n and share.n:
                    shares[_distinct(f"{name_of_check}: {effect['destination']}", shares)] = share
        tests = _tests(data)
        gaps = frozenset(_gap(one) for one in data["gaps"] if one["subject"] not in tests)
        return Side(name, str(data["headline"]), tests, checks, shares, gaps, _facts(data))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise UsageError(f"{name}: a certificate with fields missing, or of another type: it was edited") from None


def _distinct(name: str, known: Container[str]) -> str:
    """The name, with a number where a check gives several verdicts under one."""
    return next(one for one in chain([name], (f"{name} ({number})" for number in count(2))) if one not in known)


def _gap(one: Mapping[str, Any]) -> str:
    """A gap by what it is about; why it is one may be told with other numbers each time."""
    return " ".join(filter(None, (str(one["subject"]), str(one["location"]))))


def _check(one: Mapping[str, Any]) -> str:
    stage = f" stage {one['stage']}" if one["stage"] else ""
    request = f" [{one['request']}]" if one["request"] else ""
    return f"{one['scenario']}/{one['check']}{request}{stage}"


def _tests(data: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for profile in data["profiles"]:
        for level in ("core", "extended"):
            for listed, outcome in LISTS.items():
                found |= {f"{profile['name']}/{test}": outcome for test in profile.get(level, {}).get(listed, ())}
    return found


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    """What a run was made on and with, as text by name."""
    target, sources = data["target"], data["sources"]
    found = {"target": str(data["mode"])}
    for part, values in (("", data["meshproof"]), ("", target["versions"]), ("driver ", target["driver"])):
        found |= {f"{part}{name}": str(value) for name, value in values.items()}
    found |= {str(name): str(value) for name, value in target["facts"].items()}
    for name in ("alpha", "beta", "tolerance", "maxRequests"):
        found[name] = str(data["precision"][name])
    found |= {f"feature {name}": "offered" for name in target["features"]}
    git = sources["git"]
    if git:
        found |= {"git commit": str(git["commit"]), "git tree": "clean" if git["clean"] else "changed"}
    for kind in ("specified", "applied"):
        found |= {f"{kind} {one['file']}": f"sha256:{one['sha256']}" for one in sources[kind]}
    return found
