"""What a kind cluster needs, checked before one is made, and what kind's errors mean."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.bounded import read_json
from meshproof.errors import TargetError
from meshproof.process import call
from meshproof.targets.probe_image.image import Engine

OLDEST = (0, 20)
LEAST_MEMORY = 3 << 30
LEAST_DISK = 5 << 30
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
INSTALL_KIND = "install it as https://kind.sigs.k8s.io/docs/user/quick-start/#installation says"

MEANINGS = (
    (r"port is already allocated|address already in use|ports are not available", "a port of this machine is in use",
     "look: ss -ltnp; name others with --port 80=PORT and --port 443=PORT"),
    (r"no space left on device", "the disk is full", "look: docker system df; free space with docker system prune"),
    (r"already exist for a cluster with the name", "a cluster of that name is there already",
     "look: kind get clusters; use it with --keep, or remove it with kind delete cluster --name NAME"),
    (r"failed to pull image|manifest unknown|pull access denied",
     "the node image cannot be had", "look: docker pull IMAGE; name one that is there with --kubernetes"),
    (r"could not find a log line that matches|too many open files|inotify",
     "the node does not start", "look: sysctl fs.inotify.max_user_instances fs.inotify.max_user_watches (512, 524288 "
     "are enough), docker logs NAME-control-plane"),
    (r"exec format error|no matching manifest for", "the node image is for another architecture",
     "look: docker image inspect --format '{{.Architecture}}' IMAGE; uname -m"),
    (r"timed out waiting for the condition|kubelet is not running|kubelet isn't running",
     "the control plane does not come up", "look: kind export logs --name NAME; memory and disk of this machine"),
    (r"[Cc]annot connect to the Docker daemon|permission denied while trying to connect",
     "the container engine does not answer", "look: docker info"),
)  # fmt: skip


def kind_path() -> str:
    """The path of kind; TargetError when it is not on PATH."""
    path = shutil.which("kind")
    if path is None:
        raise TargetError(
            "kind is not on PATH: --target kind makes its cluster with it", f"{INSTALL_KIND}\nlook: type kind"
        )
    return path


async def kind_version(path: str, timeouts: Timeouts) -> str:
    """The version of kind (`v0.30.0`); TargetError when it is too old or something else."""
    ended = await call([path, "version"], limit=timeouts.kind_answer, what="asking kind for its version")
    found = re.search(r"v(\d+)\.(\d+)\.\d+\S*", ended.out)
    if ended.code or found is None:
        raise TargetError(f"{path} does not tell its version: is it kind?", f"{ended.said}\n{INSTALL_KIND}")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise TargetError(f"{path} is {found[0]}; v{OLDEST[0]}.{OLDEST[1]} or newer is needed", INSTALL_KIND)
    return found[0]


async def survey(engine: Engine, timeouts: Timeouts) -> str:
    """The engine's architecture; TargetError when it does not answer or lacks what a cluster needs."""
    argv = [engine.binary, "info", "--format", "{{json .}}"]
    ended = await call(argv, limit=timeouts.container_engine, what=f"asking whether {engine.name} runs")
    try:
        info = read_json(ended.out)
    except ValueError:
        info = None
    look = f"look: {engine.name} info"
    if ended.code or not isinstance(info, dict) or info.get("ServerErrors"):
        raise TargetError(f"{engine.name} does not answer: {_why(ended.said)}", f"{ended.said}\n{look}")
    _resources(engine.name, info, look)
    own = ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    theirs = ARCHITECTURES.get(str(_field(info, "Architecture", "arch") or own).lower(), "")
    if theirs != own:
        said = _field(info, "Architecture", "arch")
        raise TargetError(f"{engine.name} runs on {said}, this machine is {own}: its nodes would be emulated", look)
    return own


def meaning(error: TargetError) -> TargetError:
    """The error that kind failed with, with its meaning and a command that shows more."""
    for pattern, what, look in MEANINGS:
        if re.search(pattern, error.detail):
            return TargetError(f"{error.message}: {what}", f"{error.detail}\n{look}")
    return TargetError(error.message, f"{error.detail}\nlook: kind get clusters; docker ps --all")


def _why(said: str) -> str:
    if "permission denied" in said:
        return "this user may not (is it in the group docker?)"
    if re.search(r"[Cc]annot connect|Is the docker daemon running|connection refused", said):
        return "its daemon is not running"
    return "its answer is not what was expected"


def _resources(name: str, info: Mapping[str, Any], look: str) -> None:
    memory = _field(info, "MemTotal", "memTotal")
    if isinstance(memory, int) and 0 < memory < LEAST_MEMORY:
        raise TargetError(
            f"{name} has {memory / 2**30:.1f} GB of memory; a node with Istio needs {LEAST_MEMORY / 2**30:.0f} GB", look
        )
    root = _field(info, "DockerRootDir", "graphRoot")
    if isinstance(root, str) and Path(root).is_dir():
        free = shutil.disk_usage(root).free
        if free < LEAST_DISK:
            message = (
                f"{root} has {free / 2**30:.1f} GB free; node image, Istio and probes need {LEAST_DISK / 2**30:.0f} GB"
            )
            raise TargetError(message, f"look: {name} system df")


def _field(info: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields, at the top (docker) or in `host` and `store` (podman)."""
    parts = (info, info.get("host") or {}, info.get("store") or {})
    return next((part[name] for name in names for part in parts if name in part), None)
