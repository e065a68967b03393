"""Whether a certificate is what was issued: its signature, statement, events, and the manifests that it names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from meshproof.border.facts.provenance import Digest
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.report.certificate.files import JSON, SEALED, STATEMENT, YAML, files
from meshproof.report.certificate.reading import certificate, content
from meshproof.report.certificate.statement import statement, text
from meshproof.report.certificate.text import json_text, yaml
from meshproof.report.log import replay
from meshproof.report.record import gather
from meshproof.report.run_folder import EVENTS
from meshproof.report.wording import plural
from meshproof.signing.envelope import Envelope, parse
from meshproof.signing.keys import Verifier

NAMED = 5
SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `holds` is None where it could not be judged, which is no failure."""

    what: str
    holds: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a certificate says, and whether it is what was issued."""

    headline: str
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(one.holds is not False for one in self.findings)


def check(file: Path, version: str, key: Verifier | None = None, manifests: Sequence[Digest] | None = None) -> Checked:
    """Look at a certificate, and at what stands beside it; raises UsageError for what is no certificate.

    Only a meshproof of the `version` that made it makes it again from its events. With a `key` it must be signed by
    it. `manifests` are those that it has to be about.
    """
    data = content(file)
    found = certificate(data, str(file))
    beside = file.absolute().parent
    findings = [*_whole(beside, data, found, file), *_signature(beside, key)]
    if (beside / EVENTS).exists():
        findings.append(_events(beside, data, found, version))
    if manifests is not None:
        findings.append(_manifests(found, manifests))
    return Checked(str(found.get("headline", "")), tuple(findings))


def _whole(beside: Path, data: bytes, found: dict[str, Any], file: Path) -> Iterator[Finding]:
    """The certificate against its statement: each follows from the other, byte for byte."""
    try:
        own = {YAML: yaml(found).encode(), JSON: json_text(found).encode()}
        about = text(statement(found, own)).encode()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, StopIteration):
        yield Finding("certificate", False, "fields are missing, or of another type: it was edited")
        return
    if data not in own.values():
        yield Finding("certificate", False, "it is not written as meshproof writes it: it was edited")
    issued = {name: beside / name for name in (STATEMENT, SEALED) if (beside / name).exists()}
    if not issued:
        raise UsageError(
            f"{file}: neither {STATEMENT} nor {SEALED} is beside it: without them nobody can tell whether it was edited"
        )
    for name, path in issued.items():
        stated = _payload(path) if name == SEALED else content(path)
        if stated is None:
            yield Finding(name, False, "it is no envelope as meshproof writes it: it was edited")
        elif stated != about:
            yield Finding(name, False, f"it is about another certificate, or was edited{_differing(stated, about)}")
        else:
            yield Finding(name, True, "it is about this very certificate")


def _payload(path: Path) -> bytes | None:
    try:
        return parse(content(path)).payload
    except ValueError:
        return None


def _differing(stated: bytes, expected: bytes) -> str:
    """The digests that differ, where it is these that do."""
    try:
        first, other = (json.loads(one)["predicate"] for one in (stated, expected))
        return "" if first == other else ": the results or the digests of its files are others"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _signature(beside: Path, key: Verifier | None) -> Iterator[Finding]:
    path = beside / SEALED
    if not path.exists():
        yield Finding(SIGNATURE, False if key else None, "it is not signed, so that anybody can have made it")
        return
    try:
        sealed: Envelope = parse(content(path))
    except ValueError:
        return
    if key is None:
        yield Finding(SIGNATURE, None, f"not checked: name the public key with --key (it says {sealed.key_id[:16]}…)")
    elif not sealed.signed_by(key):
        yield Finding(SIGNATURE, False, f"it is not one of the key {key.id[:16]}…")
    elif sealed.key_id != key.id:
        yield Finding(SIGNATURE, False, f"it holds for the key {key.id[:16]}…, but names another one: it was edited")
    else:
        yield Finding(SIGNATURE, True, f"by the key {key.id[:16]}…")


def _events(beside: Path, data: bytes, found: dict[str, Any], version: str) -> Finding:
    maker = found["meshproof"].get("meshproof") if isinstance(found.get("meshproof"), dict) else None
    if maker != version:
        return Finding(EVENTS, None, f"not compared: they were written by meshproof {maker}")
    try:
        made = files(gather(replay(beside / EVENTS)))
    except UsageError as error:
        return Finding(EVENTS, False, str(error))
    same = data in (made[YAML].encode(), made[JSON].encode())
    return Finding(EVENTS, same, "they make this very certificate" if same else "they make another certificate")


def _manifests(found: dict[str, Any], manifests: Iterable[Digest]) -> Finding:
    """The files against the digests: names without their folders, for the files may lie elsewhere now."""
    given = Counter((Path(one.file).name, one.sha256) for one in manifests)
    try:
        listed = [(Path(str(one["file"])).name, str(one["sha256"])) for one in found["sources"]["specified"]]
    except (KeyError, TypeError):
        return Finding("manifests", False, "the certificate does not name them: it was edited")
    missing, more = Counter(listed) - given, given - Counter(listed)
    if not missing and not more:
        return Finding("manifests", True, f"{plural(len(listed), 'file')}, each as it was certified")
    changed = {name for name, _ in missing} & {name for name, _ in more}
    parts = [
        ("changed", changed),
        ("missing", {name for name, _ in missing} - changed),
        ("not certified", {name for name, _ in more} - changed),
    ]
    return Finding("manifests", False, "; ".join(f"{what}: {_some(names)}" for what, names in parts if names))


def _some(names: set[str]) -> str:
    several = sorted(names)
    return ", ".join(several[:NAMED]) + (f" and {len(several) - NAMED} more" if len(several) > NAMED else "")
