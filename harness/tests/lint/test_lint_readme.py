"""The README shows what lint prints of the shop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SHOWN = re.compile(r"<!-- command: lint -->\n```sh\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_shop_gives_what_the_readme_shows() -> None:
    found = SHOWN.search((ROOT / "README.md").read_text())
    assert found
    command, printed = found.groups()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, printed, "")
