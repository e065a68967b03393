"""The in-toto Statement about a run: a test result (predicate v0.1) whose subjects are the manifests.

https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md; what that has no field for stands
under a name that is a type's URI, as its parsing rules have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from meshproof.report.headline.headline import Headline

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
EXTENSION = "https://meshproof.dev/certificate/v1alpha1"
RESULTS = {Headline.CERTIFIED: "PASSED", Headline.WITH_GAPS: "WARNED", Headline.NOT: "FAILED"}
FAILED = ("failedTests", "inconclusiveTests", "brokenTests", "skippedTests")


def statement(certificate: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    """The statement; `files` are the certificate's own, by their names, whose digests it carries."""
    sources = certificate["sources"]
    subjects = [{"name": one["file"], "digest": {"sha256": one["sha256"]}} for one in sources["specified"]]
    git = sources["git"]
    if git and git["clean"]:
        subjects.append({"name": "git", "digest": {"gitCommit": git["commit"]}})
    kept = certificate["reproduce"]["manifests"]
    core, extended = (list(_levels(certificate, name)) for name in ("core", "extended"))
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": RESULTS[Headline(certificate["headline"])],
            "configuration": [{"name": one["file"], "digest": {"sha256": one["sha256"]}} for one in kept],
            "passedTests": [*_tests(core, "passedTests"), *_tests(extended, "passedTests")],
            "warnedTests": [*_tests(extended, "skippedTests")],
            "failedTests": [*_tests(core, *FAILED), *_tests(extended, *FAILED[:-1])],
            EXTENSION: {
                "headline": certificate["headline"],
                "runId": certificate["runId"],
                "files": {name: {"sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()},
            },
        },
    }


def _levels(certificate: dict[str, Any], level: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for profile in certificate["profiles"]:
        if level in profile:
            yield profile["name"], profile[level]


def _tests(levels: list[tuple[str, dict[str, Any]]], *lists: str) -> Iterator[str]:
    for profile, level in levels:
        for name in lists:
            yield from (f"{profile}/{test}" for test in level[name])


def text(made: dict[str, Any]) -> str:
    """The statement as it is written, and signed."""
    return json.dumps(made, indent=2) + "\n"
