"""The manifests of a run, kept beside its reports so that it can be repeated."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from meshproof.border.facts.provenance import Digest
from meshproof.manifest import Resource
from meshproof.manifest.plain import plain
from meshproof.manifest.value import Value
from meshproof.manifest.written import dump
from meshproof.mesh.build.kubernetes import REDACTED
from meshproof.redaction.credentials import redact_all
from meshproof.redaction.patterns import HIDDEN
from meshproof.report.events import ManifestsKept
from meshproof.run.prepare import Prepared, Stage

FOLDER = "manifests"
# Where each document was read.
PLACE = re.compile(rb"^---\n# .*\n", re.MULTILINE)
SECRET_FIELDS = ("data", "stringData")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def keep_manifests(run: Path, prepared: Prepared) -> tuple[ManifestsKept, ...]:
    """Write what each stage applies, and what was specified where that is another thing; the events that say so.

    The files are `manifests/SCENARIO/applied-N.yaml` and `specified-N.yaml`, N counting the stages
    from 0. Credentials and the contents of Secrets are not in them.
    """
    return tuple(_kept(run, prepared, number) for number in range(len(prepared.stages)))


def kept_alike(prepared: Prepared, data: bytes) -> bool:
    """Whether one of the stages would keep just this as its specification, wherever its own files are."""
    several = {
        _without_places(b"".join(documents((*one.specified, *one.specified_left_out)))) for one in prepared.stages
    }
    return _without_places(data) in several


def _without_places(data: bytes) -> bytes:
    return PLACE.sub(b"---\n", data)


def _kept(run: Path, prepared: Prepared, number: int) -> ManifestsKept:
    stage = prepared.stages[number]
    applied, specified = files(prepared, number)
    (run / applied).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    first = other = _write(run, applied, (*stage.resources, *stage.left_out))
    if specified != applied:
        other = _write(run, specified, (*stage.specified, *stage.specified_left_out))
    return ManifestsKept(prepared.name, number, first, other)


def files(prepared: Prepared, number: int = 0) -> tuple[str, str]:
    """Where what a stage applies, and what it specifies, is kept in the run's folder: one file where both are one."""
    folder = re.sub(r"[^A-Za-z0-9._-]|^\.+", "_", prepared.name)
    applied, specified = (f"{FOLDER}/{folder}/{what}-{number}.yaml" for what in ("applied", "specified"))
    return applied, applied if _is_one(prepared.stages[number]) else specified


def _is_one(stage: Stage) -> bool:
    return (stage.resources, stage.left_out) == (stage.specified, stage.specified_left_out)


def as_yaml(value: Value) -> str:
    """A part of a manifest as it was read, without credentials."""
    return dump(redact_all(_without_hidden_copies(plain(value))))


def _write(run: Path, name: str, resources: Iterable[Resource]) -> Digest:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(run / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        for text in documents(resources):
            digest.update(text)
            size += stream.write(text)
    return Digest(name, digest.hexdigest(), size)


def documents(resources: Iterable[Resource]) -> Iterator[bytes]:
    """Each as a document of YAML below its place, without credentials and the contents of Secrets."""
    for resource in resources:
        yield f"---\n# {str(resource.location)!a}\n{dump(_data(resource))}".encode()


def _data(resource: Resource) -> Any:
    body = plain(resource.body)
    if resource.kind != "Secret":
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
