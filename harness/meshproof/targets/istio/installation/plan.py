"""How Istio is to be installed, and what an installation came to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How Istio is to be installed: `settings` are values for `--set`, `manifest` is a rendered one to apply instead.

    With `skip` nothing is installed, and the Istio of the cluster is used.
    """

    profile: str = "demo"
    hub: str = ""
    settings: tuple[str, ...] = ()
    revision: str = ""
    manifest: Path | None = None
    skip: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """All values for `--set`, in the order in which they are given."""
        return (f"profile={self.profile}", *((f"hub={self.hub}",) if self.hub else ()), *self.settings)

    def fingerprint(self, version: str) -> str:
        """A digest in which installations by this program that differ in any setting differ too."""
        text = self.manifest.read_text(encoding="utf-8") if self.manifest else json.dumps(self.values)
        return hashlib.sha256(f"{version}\n{self.revision}\n{text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Installed:
    """The Istio that a run uses: `fresh` when this run installed it. `warnings` are those of the precheck."""

    version: str
    revision: str
    fresh: bool
    warnings: tuple[str, ...] = ()
