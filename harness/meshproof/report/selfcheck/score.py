"""The score of an earlier self-check, for the certificate of the very manifests that it made wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshproof.border.facts.provenance import Digest, SelfCheckScore
from meshproof.errors import UsageError
from meshproof.report.selfcheck.record import MutantStatus
from meshproof.report.selfcheck.show import SCHEMA_VERSION

LARGEST = 64 << 20
NAMED = 3


def score_of(file: Path, sources: Sequence[Digest]) -> SelfCheckScore:
    """What a selfcheck.json says; raises UsageError for one of other manifests, or that was not finished."""
    data = _read(file)
    try:
        checked = {str(one["file"]): str(one["sha256"]) for one in data["manifests"]}
        score, mutants = data["score"], data["mutants"]
        survived = tuple(
            f"{one['location']}: {one['what']}" for one in mutants if one["status"] == MutantStatus.SURVIVED.value
        )
        killed, of, found = (int(score[name]) for name in ("killed", "of", "found"))
        seed = int(data["options"]["seed"])
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"{file}: not the selfcheck.json of a self-check of manifests (meshproof selfcheck -f)"
        ) from None
    if Counter(checked.values()) != Counter(one.sha256 for one in sources):
        other = [one.file for one in sources if one.sha256 not in checked.values()]
        named = f" ({', '.join(other[:NAMED])}{' …' if len(other) > NAMED else ''})" if other else ""
        raise UsageError(f"{file}: a self-check of other manifests than these{named}: make it anew")
    return SelfCheckScore(killed, of, found, seed, survived)


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            text = stream.read(LARGEST + 1)
        data = json.loads(text) if len(text) <= LARGEST else None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(f"{file}: not the selfcheck.json of a self-check of manifests (meshproof selfcheck -f)")
    return data
