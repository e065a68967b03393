"""The manifests of a run, kept beside its reports so that it can be repeated."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from meshproof.manifest import Resource, Value
from meshproof.report.redaction.credentials import HIDDEN, redact_all
from meshproof.run.prepare import Prepared

FOLDER = "manifests"
SECRET_FIELDS = ("data", "stringData")


def keep_manifests(run: Path, prepared: Prepared) -> None:
    """Write what each stage applies, and what was specified where that is another thing.

    The files are `manifests/SCENARIO/applied-N.yaml` and `specified-N.yaml`, N counting the stages
    from 0. Credentials and the contents of Secrets are not in them.
    """
    folder = run / FOLDER / re.sub(r"[^A-Za-z0-9._-]|^\.+", "_", prepared.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number, stage in enumerate(prepared.stages):
        _write(folder / f"applied-{number}.yaml", stage.resources)
        if stage.specified != stage.resources:
            _write(folder / f"specified-{number}.yaml", stage.specified)


def _write(path: Path, resources: Iterable[Resource]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        for resource in resources:
            stream.write(f"---\n# {str(resource.location)!a}\n")
            yaml.safe_dump(_data(resource), stream, sort_keys=False, allow_unicode=True)


def _data(resource: Resource) -> Any:
    body = _plain(resource.body)
    if resource.kind != "Secret":
        return redact_all(body)
    # Annotations may repeat all of it (kubectl's last-applied-configuration).
    body["metadata"].pop("annotations", None)
    body["metadata"].pop("managedFields", None)
    for field in SECRET_FIELDS:
        if isinstance(body.get(field), dict):
            body[field] = dict.fromkeys(body[field], HIDDEN)
    return body


def _plain(value: Value) -> Any:
    if isinstance(value.data, Mapping):
        return {name: _plain(item) for name, item in value.data.items()}
    if isinstance(value.data, tuple):
        return [_plain(item) for item in value.data]
    return value.data
