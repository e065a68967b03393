"""A name and a password for a registry: from the environment, or from the files of docker and podman.

A password is read when it is needed, is in a file of mode 0600 for as long as a tool needs it, and is never
an argument of a command nor part of a message.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from meshproof.bounded import read_file, read_json
from meshproof.errors import UsageError
from meshproof.process import spawn
from meshproof.records import dataclass
from meshproof.targets.hosts.stream import drain

USERNAME, PASSWORD = "MESHPROOF_REGISTRY_USERNAME", "MESHPROOF_REGISTRY_PASSWORD"
HELPER = re.compile(r"[A-Za-z0-9._-]+")
LARGEST_FILE = 1 << 20
HELPER_SECONDS = 20.0
NOT_FOUND = "credentials not found"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A registry's login; its repr has no password."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of HTTP's basic authentication, in base64."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def auth_file(self, folder: Path, registry: str) -> Path:
        """A file as skopeo (--authfile) and docker (--config, the folder) read it, of mode 0600."""
        path = folder / "config.json"
        body = json.dumps({"auths": {registry: {"auth": self.basic}}})
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(body)
        return path


async def find(
    registry: str,
    folder: Path,
    *,
    names: tuple[str, str] = (USERNAME, PASSWORD),
    environ: Mapping[str, str] = os.environ,
) -> Credentials | None:
    """The credentials for `registry` (`HOST[:PORT]`), or None without any.

    First the environment variables `names`, then the files of docker and podman, with their credential
    helpers. Raises UsageError when one of them cannot be used. `folder` holds a helper's standard error.
    """
    username, password = (environ.get(name, "") if name else "" for name in names)
    if username and password:
        return Credentials(username, password)
    if username or password:
        missing = names[0] if password else names[1]
        raise UsageError(f"{missing} is not set, and its counterpart is: set both, or none")
    for path in _files(environ):
        body = _read(path)
        if body is None:
            continue
        found = await _in_file(path, body, registry, folder, environ)
        if found is not None:
            return found
    return None


def _files(environ: Mapping[str, str]) -> list[Path]:
    """In the order in which skopeo looks (containers-auth.json(5)), docker's own file last."""
    found = []
    if environ.get("REGISTRY_AUTH_FILE"):
        found.append(Path(environ["REGISTRY_AUTH_FILE"]))
    if environ.get("XDG_RUNTIME_DIR"):
        found.append(Path(environ["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    home = Path(environ.get("HOME") or "/nonexistent")
    docker = Path(environ["DOCKER_CONFIG"]) if environ.get("DOCKER_CONFIG") else home / ".docker"
    return [*found, home / ".config" / "containers" / "auth.json", docker / "config.json"]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file():
            return None
        data = read_file(path, LARGEST_FILE)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    try:
        body = read_json(data)
    except ValueError:
        # The parser's message may quote the file.
        raise UsageError(f"{path}: this is not JSON, so no credentials can be taken from it") from None
    return body if isinstance(body, dict) else None


async def _in_file(
    path: Path, body: Mapping[str, Any], registry: str, folder: Path, environ: Mapping[str, str]
) -> Credentials | None:
    helpers, auths = body.get("credHelpers"), body.get("auths")
    helper = helpers.get(registry) if isinstance(helpers, dict) else None
    entry = auths.get(registry, auths.get(f"https://{registry}")) if isinstance(auths, dict) else None
    if isinstance(entry, dict) and entry.get("auth") and not helper:
        try:
            username, colon, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise UsageError(f"{path}: what it holds for {registry} is not base64 of NAME:PASSWORD")
        return Credentials(username, password.rstrip("\0"))
    helper = helper or (body.get("credsStore") if isinstance(auths, dict) and registry in auths else None)
    return await _from_helper(str(helper), registry, folder, environ) if helper else None


async def _from_helper(helper: str, registry: str, folder: Path, environ: Mapping[str, str]) -> Credentials | None:
    """https://github.com/docker/docker-credential-helpers: the registry on stdin, JSON on stdout."""
    if not HELPER.fullmatch(helper):
        raise UsageError(f"{helper[:40]!r} is not the name of a credential helper")
    name = f"docker-credential-{helper}"
    child = await spawn(name, [name, "get"], log=folder / "helper.log", piped=True, env=environ)
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            child.stdin.write(f"{registry}\n".encode())
            await child.stdin.drain()
            child.stdin.close()
            answer = await drain(child, name)
            await child.process.wait()
    except TimeoutError:
        raise UsageError(f"{name} gave no answer about {registry} within {HELPER_SECONDS:g} s") from None
    finally:
        await child.stop(1.0)
    if child.process.returncode != 0:
        if NOT_FOUND in answer.decode(errors="replace").lower():
            return None
        raise UsageError(f"{name} gives nothing for {registry} (exit code {child.process.returncode})")
    try:
        body = read_json(answer)
        return Credentials(str(body["Username"]), str(body["Secret"]))
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"what {name} said about {registry} is not JSON with a Username and a Secret") from None
