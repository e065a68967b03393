"""The program that holds istiod's code: found, or built once by Go and kept in the cache.

Its source is `harness/istiod`. What is built carries the schemas of Istio's and the Gateway API's kinds with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from meshproof import suite
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import RunLock, run

VARIABLE, NAME = "MESHPROOF_ISTIOD", "meshproof-istiod"
MODULE = "istio.io/istio"
SOURCES = ("go.mod", "go.sum", "main.go", "schemas.go")
# Files of Istio's module: the schemas by which an API server examines what it is given.
SCHEMAS = ("manifests/charts/base/files/crd-all.gen.yaml", "tests/integration/pilot/testdata/gateway-api-crd.yaml")


def version() -> str:
    """The version of Istio whose code it is, as go.mod has it: `1.31-alpha.COMMIT`, or a release."""
    text = (suite.folder("istiod") / "go.mod").read_text(encoding="utf-8")
    found = next(line.split()[1] for line in text.splitlines() if line.split()[:1] == [MODULE])
    return f"{MINOR}-alpha.{found.rpartition('-')[2]}" if found.startswith("v0.0.0-") else found.removeprefix("v")


# Of what a version without a release comes before.
MINOR = "1.31"


def find(environment: Mapping[str, str]) -> Path | None:
    """The program that a person has named or installed; TargetError where what is named is none."""
    if named := environment.get(VARIABLE):
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise TargetError(f"{VARIABLE} names {named}, which is no program that can be run")
        return Path(named)
    found = shutil.which(NAME, path=environment.get("PATH"))
    return Path(found) if found else None


def cached(environment: Mapping[str, str]) -> Path:
    """Where this source's program is kept once it is built."""
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".cache")
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((suite.folder("istiod") / name).read_bytes())
    return Path(cache) / "meshproof" / f"istiod-{digest.hexdigest()[:16]}" / NAME


async def program(timeouts: Timeouts, environment: Mapping[str, str] = os.environ) -> Path:
    """The program, built where there is none; TargetError where that is not possible."""
    if found := find(environment):
        return found
    built = cached(environment)
    if os.access(built, os.X_OK):
        return built
    go = shutil.which("go", path=environment.get("PATH"))
    if go is None:
        raise TargetError(
            f"no istiod for --control-plane istiod: {VARIABLE} is not set, {NAME} is not on PATH, and there is no "
            "Go to build it with: install Go 1.26 or newer, or leave the option out"
        )
    built.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = RunLock(built.with_suffix(".lock"))
    await lock.acquire(timeouts.istiod_built, "building istiod")
    try:
        if not os.access(built, os.X_OK):
            print(f"meshproof: builds a real istiod ({version()}) with Go, once: {built}", file=sys.stderr)
            await _build(go, built, timeouts)
    finally:
        lock.release()
    return built


async def _build(go: str, built: Path, timeouts: Timeouts) -> None:
    what = "building istiod"
    with tempfile.TemporaryDirectory(prefix="build-", dir=built.parent) as place:
        folder = Path(place)
        for name in SOURCES:
            shutil.copyfile(suite.folder("istiod") / name, folder / name)
        said = await run([go, "mod", "download", "-json", MODULE], limit=timeouts.istiod_built, what=what, cwd=folder)
        module = Path(json.loads(said)["Dir"])
        (folder / "schemas").mkdir()
        for schema in SCHEMAS:
            shutil.copyfile(module / schema, folder / "schemas" / Path(schema).name)
        options = ["-tags", "vtprotobuf", "-ldflags", "-s -w", "-o", NAME]
        env = {**os.environ, "CGO_ENABLED": "0"}
        await run([go, "build", *options, "."], limit=timeouts.istiod_built, what=what, cwd=folder, env=env)
        (folder / NAME).rename(built)
