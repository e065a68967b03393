"""istioctl as a child process. Each command names its context; the current one is never used."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshproof.border.istio_releases import OLDEST, minor, uninstall
from meshproof.border.timeouts import Timeouts
from meshproof.bounded import read_json
from meshproof.errors import TargetError
from meshproof.process import Ended, call
from meshproof.records import dataclass

NAMESPACE = "istio-system"
PRODUCT = "istioctl"
FORBIDDEN = "is forbidden: User"
# Variables with this prefix set flags; a user may have set them for interactive use.
FLAGS = "ISTIOCTL_"
WARNING, ERROR = "Warning", "Error"
# istioctl prints a drawing of a boat when it installs.
DRAWING = re.compile(r"[\s|/\\_]*")
MESSAGE = re.compile(r"^(Error|Warning|Info) \[(IST\d+)\] ?(.*)$")


class ForbiddenError(TargetError):
    """The user lacks the right to read something that istioctl needs."""


@dataclass(frozen=True, slots=True)
class Istioctl:
    """One istioctl for one context; `kubeconfig` empty means where istioctl itself looks. `version` is its own."""

    binary: str
    version: str
    kubeconfig: tuple[Path, ...]
    context: str

    def __post_init__(self) -> None:
        if not self.context:
            raise ValueError("istioctl is never used without a context")

    def argv(self, *args: str) -> list[str]:
        """The whole command."""
        return [self.binary, *args, "--context", self.context]

    def by_itself(self, *args: str) -> list[str]:
        """The whole command for a process that is started with this one's environment."""
        flags = [word for name in os.environ if name.startswith(FLAGS) for word in ("-u", name)]
        files = os.pathsep.join(map(str, self.kubeconfig))
        return ["/usr/bin/env", *flags, *([f"KUBECONFIG={files}"] if files else []), *self.argv(*args)]

    def shown(self, *args: str) -> str:
        """The command as a user can type it to see more."""
        return " ".join([PRODUCT, *self.argv(*args)[1:]])

    async def call(self, *args: str, timeout: float, what: str) -> Ended:  # noqa: ASYNC109
        """How the command ended, whatever its exit code; TargetError when it hangs or cannot be started."""
        return await call(self.argv(*args), limit=timeout, what=what, env=_environment(self.kubeconfig))

    async def run(self, *args: str, timeout: float, what: str) -> str:  # noqa: ASYNC109
        """What the command prints; TargetError with its output when it fails."""
        ended = await self.call(*args, timeout=timeout, what=what)
        if ended.code:
            raise self.failure(ended, *args, what=what)
        return ended.out

    def failure(self, ended: Ended, *args: str, what: str) -> TargetError:
        """The error that a command failed."""
        return TargetError(f"{what}: istioctl failed (exit code {ended.code})", f"{self.shown(*args)}\n{_said(ended)}")

    async def precheck(self, timeouts: Timeouts) -> tuple[str, ...]:
        """Ask whether Istio can be installed; the warnings. TargetError with istioctl's reasons when it cannot."""
        args, what = ("x", "precheck"), "asking whether Istio can be installed"
        ended = await self.call(*args, timeout=timeouts.istio_precheck, what=what)
        messages = [found for line in ended.out.splitlines() if (found := MESSAGE.match(line.strip()))]
        warnings = tuple(found[0] for found in messages if found[1] == WARNING)
        # Since 1.10 it exits with 1 for a warning too; an error of istioctl itself has no message of that form.
        if ended.code and (not warnings or any(found[1] == ERROR for found in messages)):
            raise TargetError(
                "istioctl x precheck: Istio cannot be installed here", f"{self.shown(*args)}\n{_said(ended)}"
            )
        return warnings

    async def install(self, settings: Sequence[str], revision: str, timeouts: Timeouts) -> None:
        """Install with those `--set` values; it returns when istioctl finds everything ready."""
        args = ["install", "-y", *(word for one in settings for word in ("--set", one))]
        args += ["--revision", revision] if revision else []
        args += ["--readiness-timeout", f"{timeouts.istio_ready:g}s"]
        await self.run(*args, timeout=timeouts.istio_install, what="installing Istio")

    async def uninstall(self, revision: str, timeouts: Timeouts) -> None:
        """Remove the revision, or without one all of Istio, its kinds and everything of these kinds included."""
        which = ("--revision", revision) if revision else ("--purge",)
        args = (*uninstall(self.version), *which, "-y")
        await self.run(*args, timeout=timeouts.istio_uninstall, what="removing Istio")

    async def analyze(self, timeouts: Timeouts) -> list[dict[str, Any]]:
        """Its messages about all namespaces, each with `code`, `level`, `message` and `origin`.

        ForbiddenError where this user may not read what istioctl reads first.
        """
        args, what = ("analyze", "--all-namespaces", "--output", "json"), "analyzing the configuration"
        ended = await self.call(*args, timeout=timeouts.istioctl_answer, what=what)
        answer = _json(ended.out)
        # Some versions exit with a code for what they have found.
        if ended.code and not isinstance(answer, list):
            raise _forbidden(self.failure(ended, *args, what=what))
        if not isinstance(answer, list | None):
            shown = f"{self.shown(*args)}\n{ended.out[:500]}"
            raise TargetError(f"{what}: istioctl's answer is not a list in JSON", shown)
        return [one for one in answer or [] if isinstance(one, dict)]

    async def proxy_status(self, timeouts: Timeouts) -> str:
        """The table of which proxy has acknowledged what; the error's text when istioctl fails."""
        try:
            return await self.run("proxy-status", timeout=timeouts.istioctl_answer, what="reading the proxies' status")
        except TargetError as error:
            return str(error)


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return ()


def _forbidden(error: TargetError) -> TargetError:
    """The error; a ForbiddenError where the user lacks a right."""
    return ForbiddenError(error.message, error.detail) if FORBIDDEN in error.detail else error


async def find(binary: str, kubeconfig: Sequence[Path], context: str, timeouts: Timeouts) -> Istioctl:
    """istioctl from PATH or a path; TargetError when it is missing, too old, hangs, or is something else."""
    path = shutil.which(binary)
    if path is None:
        where = "there is no such program" if os.sep in binary else "it is not on PATH"
        raise TargetError(
            f"{binary} cannot be used: {where}",
            "istioctl comes with each release of Istio (https://istio.io/latest/docs/setup/getting-started/#download);"
            " name it with --istioctl, or leave the installation alone with --skip-install\n"
            f"look: type {binary}",
        )
    argv = [path, "version", "--remote=false", "--output", "json"]
    limit, what = timeouts.istioctl_answer, "asking istioctl for its version"
    ended = await call(argv, limit=limit, what=what, env=_environment(kubeconfig))
    try:
        version = str(read_json(ended.out)["clientVersion"]["version"])
    except (ValueError, KeyError, TypeError):
        raise TargetError(f"{path} does not tell its version: is it istioctl?", _said(ended)[:500]) from None
    found = minor(version)
    if found is None:
        raise TargetError(f"{path} was built without a version ({version}): use that of a release", _said(ended)[:500])
    if found < OLDEST:
        raise TargetError(f"{path} is of Istio {version}; {'.'.join(map(str, OLDEST))} or newer is needed")
    return Istioctl(path, version, tuple(kubeconfig), context)


def _said(ended: Ended) -> str:
    """Both of its streams, without the drawing."""
    lines = [line for text in (ended.out, ended.err) for line in text.splitlines() if not DRAWING.fullmatch(line)]
    return "\n".join(lines)


def _environment(kubeconfig: Sequence[Path]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FLAGS)}
    own = {"KUBECONFIG": os.pathsep.join(map(str, kubeconfig))} if kubeconfig else {}
    return {**kept, "TERM": "dumb", "NO_COLOR": "1", **own}
