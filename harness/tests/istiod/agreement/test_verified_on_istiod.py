"""What `verify` says of right folders whose proxies a real istiod configures, by the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not os.environ.get("MESHPROOF_ISTIOD_AGREEMENT"), reason="needs Go and minutes: tox -e istiod"
)
FOLDERS = sorted((Path(__file__).parent / "folders").glob("*.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.stem)
def test_a_right_folder_passes_as_a_whole(tmp_path: Path, folder: Path) -> None:
    argv = [sys.executable, "-m", "meshproof", "verify", "-f", str(folder), "--control-plane", "istiod"]
    done = subprocess.run(
        [*argv, "--output", str(tmp_path / "run")], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
