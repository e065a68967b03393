"""A Docker engine of the lab's own: started by hand, with its own socket, folders and addresses."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import click
from airgap import network, programs
from airgap.command import output, run, tail
from airgap.step import Lab, discard, timed

BRIDGE = "10.213.0.1/24"
POOL = "base=10.214.0.0/16,size=24"
READY_SECONDS = 60.0
STOP_SECONDS = 60.0


def socket(lab: Lab) -> Path:
    return lab.run / "docker.sock"


def environment(lab: Lab) -> dict[str, str]:
    """What a docker or kind command needs to talk to this engine and to no other."""
    return {"DOCKER_HOST": f"unix://{socket(lab)}", "DOCKER_CONFIG": str(lab.run / "docker-config")}


def pid(lab: Lab) -> int | None:
    """The engine's process id while it runs."""
    try:
        number = int((lab.run / "docker.pid").read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if str(lab.run).encode() in words else None


def up(lab: Lab) -> None:
    """Start it unless it runs, and wait until it answers."""
    runtime = programs.runc.ensure(lab)
    if pid(lab) is not None:
        return
    if os.geteuid() != 0:
        raise click.ClickException("the engine needs root")
    if shutil.which("dockerd") is None:
        raise click.ClickException("dockerd is not installed: apt-get install docker.io iptables")
    lab.run.mkdir(parents=True, exist_ok=True)
    (lab.run / "docker.pid").unlink(missing_ok=True)
    log = lab.log("dockerd")
    log.parent.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = ["dockerd", "--host", f"unix://{socket(lab)}", "--pidfile", lab.run / "docker.pid"]
    argv += ["--data-root", lab.run / "docker-data", "--exec-root", lab.run / "docker-exec"]
    argv += [
        "--bip",
        BRIDGE,
        "--default-address-pool",
        POOL,
        "--add-runtime",
        f"lab={runtime}",
        "--default-runtime",
        "lab",
    ]
    # Nothing listens there: no DNS query of a container leaves the machine.
    argv += ["--dns", "127.0.0.1"]
    network.remember(lab)
    with timed(lab, "engine"), log.open("ab") as stream:
        engine = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
        until = time.monotonic() + READY_SECONDS
        while subprocess.run(
            ["docker", "version"], capture_output=True, env={**os.environ, **environment(lab)}
        ).returncode:
            if engine.poll() is not None or time.monotonic() > until:
                raise click.ClickException(f"the Docker engine does not answer\n{tail(log)}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                engine.wait(0.2)


def load(lab: Lab, archive: Path, tag: str) -> None:
    """Load the image `tag` from its archive unless the engine has it from that very archive."""
    loaded = lab.run / "loaded" / tag.replace("/", "_")
    if loaded.is_file() and loaded.read_text() == archive.name and tag in images(lab):
        return
    with timed(lab, f"load {tag}"):
        run(["docker", "load", "--input", archive], log=lab.log("docker-load"), seconds=600, env=environment(lab))
    loaded.parent.mkdir(exist_ok=True)
    loaded.write_text(archive.name)


def images(lab: Lab) -> list[str]:
    reported = output(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], seconds=30, env=environment(lab))
    return reported.split()


def down(lab: Lab) -> None:
    """Stop the engine and remove its bridges, rules, mounts and folders."""
    number = pid(lab)
    if number is not None:
        with timed(lab, "engine down"):
            _remove_all(lab)
            os.kill(number, signal.SIGTERM)
            _gone(lab, number)
            network.restore(lab)
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[1].startswith(str(lab.run)):
            subprocess.run(["umount", line.split()[1]], capture_output=True)
    discard(lab.run)


def _remove_all(lab: Lab) -> None:
    env = environment(lab)
    log = lab.log("docker-down")
    containers = output(["docker", "ps", "--all", "--quiet"], seconds=30, env=env).split()
    if containers:
        run(["docker", "rm", "--force", "--volumes", *containers], log=log, seconds=120, env=env)
    networks = output(["docker", "network", "ls", "--quiet", "--filter", "type=custom"], seconds=30, env=env).split()
    if networks:
        run(["docker", "network", "rm", *networks], log=log, seconds=60, env=env)


def _gone(lab: Lab, number: int) -> None:
    handle = None
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(number)
    if handle is None:
        return
    try:
        if not select.select([handle], [], [], STOP_SECONDS)[0]:
            raise click.ClickException(f"the Docker engine (process {number}) does not end\n{tail(lab.log('dockerd'))}")
    finally:
        os.close(handle)
