"""`meshproof image`: a container engine can build what runs in pods from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from meshproof.pod_version import pod_version
from meshproof.suite import folder


def test_all_that_the_dockerfile_copies_is_there(place: Any) -> None:
    ended = place.run("image", "probe")
    assert ended.code == 0, ended.err
    written: Path = place.here / ended.out.strip()
    assert (written / "Dockerfile").read_text() == (folder("fixtures") / "Dockerfile").read_text()
    assert [one.partition("==")[0] for one in (written / "requirements.txt").read_text().splitlines()] == [
        "locust",
        "h2",
        "httptools",
        "uvloop",
    ]
    (wheel,) = written.glob("*.whl")
    installed = place.here / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    command = [sys.executable, "-c", "from meshproof.pod_version import pod_version; print(pod_version())"]
    done = subprocess.run(
        command, cwd=place.here, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == pod_version(), done.stderr


def test_a_folder_with_something_in_it_is_left_alone(place: Any) -> None:
    (place.here / "mine").mkdir()
    (place.here / "mine" / "file").write_text("mine")
    ended = place.run("image", "mine")
    assert ended.code == 4
    assert "mine is not empty" in ended.err
    assert [one.name for one in (place.here / "mine").iterdir()] == ["file"]


def test_a_file_is_no_folder(place: Any) -> None:
    (place.here / "file").write_text("")
    assert place.run("image", "file").code == 4
