"""The Gateway API's own conformance suite, from its Go module: what each of its tests asks for.

Nothing of it is kept here. A copy in the cache, in which the functions that talk to a cluster only record what they are
called with (`suite/`), runs the tests themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VERSION = "v1.6.3"
MODULE = f"sigs.k8s.io/gateway-api/conformance@{VERSION}"
SUM = "h1:UxhSb1GrDsyl+PdKe3g8a/BFWgP6hzy2PPFmZRgqeMQ="
API = f"sigs.k8s.io/gateway-api=sigs.k8s.io/gateway-api@{VERSION}"
PROGRAM = Path(__file__).parent / "suite"
CLASS = "{GATEWAY_CLASS_NAME}"
# A test that ends for want of a cluster has said before what it asks for.
TESTED = (0, 1)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: `steps` are what its test called, in its order, each with `call` and its arguments (`with`)."""

    name: str
    mesh: bool
    features: tuple[str, ...]
    manifests: tuple[str, ...]
    steps: tuple[dict[str, Any], ...]
    ended: bool


def run(*words: str, folder: Path, more: dict[str, str] | None = None, taken: tuple[int, ...] = (0,)) -> str:
    ended = subprocess.run(
        words, cwd=folder, env=os.environ | (more or {}), capture_output=True, text=True, check=False
    )
    if ended.returncode not in taken:
        raise RuntimeError(f"{' '.join(words)} ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-2000:]}")
    return ended.stdout


def module() -> Path:
    """Where Go keeps the module's sources, which it fetches when they are not there."""
    told = json.loads(run("go", "mod", "download", "-json", MODULE, folder=PROGRAM))
    if told["Sum"] != SUM:
        raise RuntimeError(f"{MODULE} has the sum {told['Sum']}, not {SUM}")
    return Path(told["Dir"])


def recorded(sources: Path) -> tuple[Case, ...]:
    """All cases. Recorded once for each state of the program that records them, and kept in the cache."""
    state = hashlib.sha256(VERSION.encode())
    for file in sorted(PROGRAM.rglob("*.go")):
        state.update(file.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meshproof"
    kept = cache / f"gateway-api-{state.hexdigest()[:16]}.jsonl"
    if not kept.exists():
        _record(sources, cache / f"gateway-api-{state.hexdigest()[:16]}", kept)
    found = [json.loads(line) for line in kept.read_text().splitlines()]
    return tuple(
        Case(
            one["name"],
            one["mesh"],
            tuple(one["features"] or ()),
            tuple(one["manifests"] or ()),
            tuple(one["steps"] or ()),
            one["ended"],
        )
        for one in found
    )


def _record(sources: Path, copy: Path, kept: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    run("go", "run", "prepare.go", str(sources), str(copy), folder=PROGRAM)
    for name in ("record", "cases"):
        shutil.copytree(PROGRAM / name, copy / name)
    told = copy / "recorded.jsonl"
    run("go", "mod", "edit", "-replace", API, folder=copy)
    settings = {"GOFLAGS": "-mod=mod", "MESHPROOF_RECORD": str(told)}
    run("go", "test", "-vet=off", "./cases", folder=copy, more=settings, taken=TESTED)
    shutil.move(told, kept)
    shutil.rmtree(copy)


def objects(sources: Path, case: Case) -> Iterator[dict[str, Any]]:
    """What stands in the cluster when a case begins, but for Secrets and ConfigMaps of certificates."""
    for file in ("mesh/manifests.yaml" if case.mesh else "base/manifests.yaml", *case.manifests):
        text = (sources / file).read_text().replace(CLASS, "istio")
        yield from (one for one in yaml.safe_load_all(text) if one)
