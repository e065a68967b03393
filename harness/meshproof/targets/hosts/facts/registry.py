"""The private registry as a host reaches it: by curl on the host, with the steps that a container runtime takes.

Protocol: https://distribution.github.io/distribution/spec/api/ and its token authentication.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

from meshproof.border.facts.hosts import ImageFacts, RegistryFacts
from meshproof.border.inventory import RegistryEntry
from meshproof.bounded import read_json
from meshproof.errors import UsageError
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.images.credentials import PASSWORD, USERNAME
from meshproof.targets.hosts.images.registry import PARAMETER, TOKEN

ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
CURL = "exec curl -sS -i --max-time 20 --max-filesize 1000000 -K -"
SECONDS = 30.0
STATUS = re.compile(r"HTTP/[\d.]+ ([1-9]\d{2})\b", re.ASCII)


async def registry(connection: Connection, entry: RegistryEntry) -> RegistryFacts:
    """Ask for /v2/ and for each image's manifest; the credentials travel on curl's standard input alone."""
    if not (await connection.run("command -v curl", what="looking for curl")).ok:
        return RegistryFacts(unseen="the host has no curl to ask it with")
    login = credentials(entry)
    try:
        status, headers, _ = await _ask(connection, entry, f"{entry.url}/v2/")
        images = []
        challenge = headers.get("www-authenticate", "")
        for image in entry.images:
            name, _, tag = image.rpartition(":")
            repository = f"{entry.project}/{name}".strip("/")
            header = await _authorisation(connection, entry, challenge, repository, login)
            url = f"{entry.url}/v2/{quote(repository)}/manifests/{quote(tag)}"
            found, its, _ = await _ask(
                connection, entry, url, [*header, f"header = {quoted(f'Accept: {ACCEPT}')}", "head"]
            )
            images.append(ImageFacts(image, found, its.get("docker-content-digest", "")))
    except _NoAnswerError as error:
        return RegistryFacts(error=str(error))
    return RegistryFacts(status, tuple(images))


class _NoAnswerError(Exception):
    """curl got no answer; its error."""


def credentials(entry: RegistryEntry) -> tuple[str, str] | None:
    """The credentials in the variables that the inventory names, else in the default ones; None without any.

    Raises UsageError when one that the inventory names is not set, or only one of the default ones is.
    """
    names = (entry.username_env, entry.password_env) if entry.username_env else (USERNAME, PASSWORD)
    missing = [name for name in names if not os.environ.get(name)]
    if not missing:
        return os.environ[names[0]], os.environ[names[1]]
    if entry.username_env:
        raise UsageError(f"the inventory takes the registry's credentials from {', '.join(missing)}, which is not set")
    if len(missing) == 1:
        raise UsageError(f"{missing[0]} is not set, and its counterpart is: set both, or none")
    return None


async def _ask(
    connection: Connection, entry: RegistryEntry, url: str, more: list[str] | None = None
) -> tuple[int, dict[str, str], str]:
    lines = [f"url = {quoted(url)}", 'proto = "=http,https"', *(more or [])]
    lines += ["insecure"] if entry.insecure else []
    lines += [f"cacert = {quoted(entry.ca)}"] if entry.ca else []
    output = await connection.run(
        CURL, stdin="\n".join(lines).encode() + b"\n", seconds=SECONDS, what="asking the registry"
    )
    if not output.ok:
        raise _NoAnswerError(connection.redaction(output.stderr.strip()) or f"curl ended with {output.code}")
    head, _, body = output.text.replace("\r\n", "\n").partition("\n\n")
    first, *rest = head.splitlines() or [""]
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    status = STATUS.match(first)
    if status is None:
        raise _NoAnswerError("what answers there does not speak HTTP")
    return int(status[1]), headers, body


async def _authorisation(
    connection: Connection, entry: RegistryEntry, challenge: str, repository: str, login: tuple[str, str] | None
) -> list[str]:
    """curl's options for the registry's challenge; none where there is no challenge."""
    user = [f"user = {quoted(':'.join(login))}"] if login else []
    scheme, _, fields = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return user if scheme else []
    values = dict(PARAMETER.findall(fields))
    realm = values.get("realm", "")
    if not _is_url(realm):
        raise _NoAnswerError("the registry's challenge names no URL to log in at")
    if entry.url.startswith("https:") and not realm.startswith("https:"):
        raise _NoAnswerError("the registry's login URL is without TLS: no password is sent there")
    query = f"service={quote(values.get('service', ''))}&scope={quote(f'repository:{repository}:pull')}"
    status, _, body = await _ask(connection, entry, f"{realm}{'&' if '?' in realm else '?'}{query}", user)
    try:
        answer = read_json(body)
        token = TOKEN.fullmatch(answer.get("token") or answer["access_token"])
    except (ValueError, KeyError, TypeError, AttributeError):
        token = None
    if token is None:
        raise _NoAnswerError(f"the registry's login answered {status} and no token") from None
    return [f"header = {quoted(f'Authorization: Bearer {token[0]}')}"]


def _is_url(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False


def quoted(text: str) -> str:
    """A value in curl's configuration file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
