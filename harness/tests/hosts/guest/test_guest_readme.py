"""The README's commands for hosts, run as they are written there, on a real machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from guest_image import Image
from guest_machine import Guest

README = Path(__file__).parents[4] / "README.md"
SECTION = re.compile(r"^## Make machines ready\n(.*?)^## ", re.MULTILINE | re.DOTALL)
LIMIT = 1800.0


def block(language: str) -> str:
    section = SECTION.search(README.read_text())
    found = section and re.search(rf"^```{language}\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the README with this environment's meshproof."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "NO_COLOR": "1", "XDG_STATE_HOME": str(folder / "state")}
    return subprocess.run(line.split(), cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT)


def test_the_commands_of_the_readme(guest: Guest, guest_image: Image, tmp_path: Path) -> None:
    body = yaml.safe_load(block("yaml"))
    # What a reader fills in: the machine's address, how it is reached, and the kernel that it is to run.
    body["hosts"][0] |= {"address": "127.0.0.1", "port": guest.port, "key": str(guest.key)}
    body["hosts"][0]["expect"]["kernel"] = guest_image.newer
    body["ssh"] = {"config": "/dev/null", "knownHosts": str(guest.known_hosts)}
    (tmp_path / "hosts.yaml").write_text(yaml.safe_dump(body))
    check, plan, apply, restore = block("sh").splitlines()

    found = typed(check, tmp_path)
    assert found.returncode == 1, found.stderr
    assert guest_image.older in found.stdout

    before = guest.run("cat /etc/default/grub; md5sum /boot/grub/grub.cfg")
    planned = typed(plan, tmp_path)
    assert planned.returncode in (0, 4), planned.stderr
    assert "+GRUB_DEFAULT=0" in planned.stdout
    assert guest.run("cat /etc/default/grub; md5sum /boot/grub/grub.cfg") == before

    done = typed(apply, tmp_path)
    assert done.returncode == 0, done.stderr
    assert guest.run("uname -r", shared=False) == guest_image.newer
    found = typed(check, tmp_path)
    assert found.returncode == 0, found.stdout
    again = typed(apply, tmp_path)
    assert "is as it should be" in again.stdout

    back = typed(restore, tmp_path)
    assert back.returncode == 0, back.stderr
    assert guest.run("uname -r", shared=False) == guest_image.older
    assert guest.run("cat /etc/default/grub; md5sum /boot/grub/grub.cfg", shared=False) == before
