"""The manifests of a run, kept beside its reports so that it can be repeated."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from meshproof.border.facts.provenance import Digest
from meshproof.manifest import Resource
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Manifests
from meshproof.manifest.value import Value
from meshproof.manifest.written import dump
from meshproof.mesh.build.assemble import NAMED_ALONE, Built
from meshproof.mesh.build.kubernetes import REDACTED
from meshproof.redaction.credentials import redact_all
from meshproof.redaction.patterns import HIDDEN
from meshproof.report.events import ManifestsKept
from meshproof.run.prepare import Prepared, Stage
from meshproof.run.unread import unread, wrong_secrets

FOLDER = "manifests"
# Where each document was read.
PLACE = re.compile(rb"^---\n# .*\n", re.MULTILINE)
SECRET_FIELDS = ("data", "stringData")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


Known = dict[int, tuple[Manifests, Digest]]
"""Manifests that stand in a run's folder, by their ids; with themselves, so that no others can get such an id."""


def keep_manifests(
    run: Path,
    prepared: Prepared,
    requests: Sequence[str] = (),
    known: Known | None = None,
    standing: bytes | None = None,
) -> tuple[ManifestsKept, ...]:
    """Write what each stage applies, and what was specified where that is another thing; the events that say so.

    The files are `manifests/SCENARIO/applied-N.yaml` and `specified-N.yaml`, N counting the stages
    from 0. Credentials and the contents of Secrets are not in them. `requests` are further ones than it sends. What
    is `known` to stand in the folder already, from another scenario, is copied. `standing` is what runs where nothing
    is applied.
    """
    known = {} if known is None else known
    return tuple(_kept(run, prepared, requests, number, known, standing) for number in range(len(prepared.stages)))


def kept_alike(prepared: Prepared, data: bytes) -> bool:
    """Whether one of the stages would keep just this as its specification, wherever its own files are."""
    several = (documents(one.wanted) for one in prepared.stages)
    return _without_places(data) in {_without_places(b"".join(one)) for one in several}


def _without_places(data: bytes) -> bytes:
    return PLACE.sub(b"---\n", data)


def _kept(
    run: Path, prepared: Prepared, requests: Sequence[str], number: int, known: Known, standing: bytes | None
) -> ManifestsKept:
    stage = prepared.stages[number]
    applied, specified = files(prepared, number, standing=standing is not None)
    (run / applied).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    named = (*requests, *map(str, prepared.load.requests))
    if standing is None:
        first = other = _written(run, applied, stage.running, named, known)
    else:
        first = other = _write(run, applied, [standing])
    if specified != applied:
        other = _written(run, specified, stage.wanted, named, known)
    return ManifestsKept(prepared.name, number, first, other)


def files(prepared: Prepared, number: int = 0, *, standing: bool = False) -> tuple[str, str]:
    """Where what a stage applies, and what it specifies, is kept in the run's folder: one file where both are one.

    What is `standing` already is another thing.
    """
    folder = re.sub(r"[^A-Za-z0-9._-]|^\.+", "_", prepared.name)
    applied, specified = (f"{FOLDER}/{folder}/{what}-{number}.yaml" for what in ("applied", "specified"))
    return applied, applied if _is_one(prepared.stages[number]) and not standing else specified


def _is_one(stage: Stage) -> bool:
    return stage.running.read == stage.wanted.read


def as_yaml(value: Value) -> str:
    """A part of a manifest as it was read, without credentials."""
    return dump(redact_all(_without_hidden_copies(plain(value))))


def _written(run: Path, name: str, built: Built, requests: Sequence[str], known: Known) -> Digest:
    read = built.read
    # What is kept of others depends on the requests.
    is_whole = not (read.refusals or read.patches or wrong_secrets(built))
    if is_whole and id(read) in known:
        before = known[id(read)][1]
        shutil.copy(run / before.file, run / name)
        return replace(before, file=name)
    found = _write(run, name, documents(built, requests))
    if is_whole:
        known[id(read)] = read, found
    return found


def _write(run: Path, name: str, texts: Iterable[bytes]) -> Digest:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(run / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        for text in texts:
            digest.update(text)
            size += stream.write(text)
    return Digest(name, digest.hexdigest(), size)


def documents(built: Built, requests: Sequence[str] = ()) -> Iterator[bytes]:
    """All that was read, as documents of YAML without credentials and the contents of Secrets.

    What stood in for other objects is made again by whoever reads them: which requests it may touch goes by that. Of
    texts that are no YAML only what these requests have to do with is kept.
    """
    read, secrets = built.read, wrong_secrets(built)
    wrong = {one.resource.identity for one in secrets if one.resource}
    for one in (*read.resources, *read.foreign):
        if one.kind not in NAMED_ALONE or one.identity not in wrong:
            yield f"---\n# {str(one.location)!a}\n{dump(_data(one))}".encode()
    for document in unread(built, (*read.refusals, *secrets), requests, _data):
        yield f"---\n{dump(redact_all(document))}".encode()


def _data(resource: Resource) -> Any:
    body = plain(resource.body)
    if resource.kind not in NAMED_ALONE:
        return redact_all(_without_hidden_copies(body))
    # Annotations may repeat all of it (kubectl's last-applied-configuration).
    body["metadata"]["annotations"] = {REDACTED: "true"}
    body["metadata"].pop("managedFields", None)
    for field in SECRET_FIELDS:
        if isinstance(body.get(field), dict):
            body[field] = dict.fromkeys(body[field], HIDDEN)
    return body


def _without_hidden_copies(body: Any) -> Any:
    """A body in which containers' variables have no values, and no annotation repeats the whole of it."""
    if isinstance(body, list):
        return [_without_hidden_copies(one) for one in body]
    if not isinstance(body, dict):
        return body
    found = {name: _without_hidden_copies(one) for name, one in body.items() if name != LAST_APPLIED}
    if isinstance(variables := found.get("env"), list):
        found["env"] = [{**one, "value": HIDDEN} if _is_variable(one) else one for one in variables]
    return found


def _is_variable(one: Any) -> bool:
    return isinstance(one, dict) and "name" in one and "value" in one
