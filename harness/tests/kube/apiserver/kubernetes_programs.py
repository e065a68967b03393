"""Where the programs of a real API server are: built by build.sh or for the lab, and Istio's kinds with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
KINDS = "istio-crds.yaml"
NAMED = "MESHPROOF_KUBERNETES_BIN"


def cache() -> Path:
    """The cache folder of meshproof's tests."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "meshproof")


def found(name: str) -> Path | None:
    """A program, or the definitions of Istio's kinds; the newest of those that there are.

    Those of NAMES, and the kinds, are nowhere else than in the folder that is named, where one is.
    """
    there = [path for path in _candidates(name) if path.is_file() and (name == KINDS or os.access(path, os.X_OK))]
    return max(there, key=lambda path: path.stat().st_mtime, default=None)


def _candidates(name: str) -> Iterator[Path]:
    if (named := os.environ.get(NAMED)) and name in (*NAMES, KINDS):
        yield Path(named, name)
        return
    yield from cache().glob(f"kubernetes-*/{name}")
    yield from cache().glob(f"lab/store/{name}-*")
    if name == KINDS:
        modules = os.environ.get("GOMODCACHE") or Path(os.environ.get("GOPATH") or Path.home() / "go", "pkg", "mod")
        yield from Path(modules).glob("istio.io/api@*/kubernetes/customresourcedefinitions.gen.yaml")
