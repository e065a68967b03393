"""A registry's HTTP API, as far as it is needed to verify pushed images.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md and, for tokens,
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import ipaddress
import re
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from meshproof.bounded import read_json
from meshproof.errors import TargetError, UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.images.archive import INDEXES
from meshproof.targets.hosts.images.credentials import Credentials

LARGEST_ANSWER = 8 << 20
BLOCK = 1 << 16
# Docker's own limit is 127.
MOST_LAYERS = 1000
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    *INDEXES,
)
PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON; None when it is none."""
        try:
            return read_json(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest in a registry: its digest, and the digests of its configuration and its layers."""

    digest: str
    config: str
    blobs: tuple[str, ...]


@dataclass(slots=True)
class Registry:
    """One registry `HOST[:PORT]`; every method raises TargetError, which names it.

    `scheme` is `http` or `https`; empty means https, and http for a registry on this machine. `verify` False accepts
    any certificate; `ca` is a PEM file of this machine.
    """

    host: str
    timeout: float
    credentials: Credentials | None = None
    scheme: str = ""
    verify: bool = True
    ca: Path | None = None
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def plain(self) -> bool:
        """True when requests go over HTTP without TLS."""
        return self.scheme == "http" or (not self.scheme and self.ca is None and _is_here(self.host))

    async def ask(self, path: str, *, method: str = "GET", accept: str = "", scope: str = "") -> Answer:
        """One request; after a challenge it is repeated with the credentials."""
        return await asyncio.to_thread(self._ask, path, method, accept, scope)

    async def answers(self) -> None:
        """Check that it is a registry that works and accepts the credentials."""
        answer = await self.ask("/v2/")
        if answer.status in (401, 403):
            raise TargetError(self.refusal())
        if answer.status != 200:
            raise TargetError(
                f"the registry {self.host} does not work, or is no registry: /v2/ answered {answer.status}"
            )

    def refusal(self) -> str:
        """The message when it refuses the credentials, or that there are none."""
        if self.credentials is None:
            return f"the registry {self.host} wants a name and a password, and there are none"
        return f"the registry {self.host} refuses the name or the password given for it"

    async def manifest(self, repository: str, tag: str) -> Manifest | None:
        """The manifest of `repository:tag`, None when there is none; its bytes are checked against its digest."""
        path = f"/v2/{repository}/manifests/{tag}"
        answer = await self.ask(path, accept=", ".join(MANIFESTS), scope=f"repository:{repository}:pull")
        if answer.status == 404:
            return None
        if answer.status in (401, 403):
            raise TargetError(f"{self.refusal()}; or it may not read {repository}")
        if answer.status != 200:
            raise TargetError(f"the registry {self.host} answered {answer.status} when asked for {repository}:{tag}")
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        claimed = answer.headers.get("docker-content-digest", digest)
        if claimed.startswith("sha256:") and claimed != digest:
            raise TargetError(f"{self.host}: {repository}:{tag} is said to be {claimed}, and what came is {digest}")
        return _manifest(f"{self.host}: {repository}:{tag}", digest, answer.json())

    async def holds(self, repository: str, digest: str) -> bool:
        """True when the blob is there."""
        answer = await self.ask(
            f"/v2/{repository}/blobs/{digest}", method="HEAD", scope=f"repository:{repository}:pull"
        )
        # A registry may redirect to its blobs' storage.
        return answer.status in (200, 302, 303, 307, 308)

    def _ask(self, path: str, method: str, accept: str, scope: str) -> Answer:
        headers = {"Accept": accept} if accept else {}
        if scope in self._tokens:
            headers["Authorization"] = self._tokens[scope]
        answer = self._send(self.host, not self.plain, method, path, headers)
        if answer.status != 401:
            return answer
        authorization = self._answer_to(answer.headers.get("www-authenticate", ""), scope)
        if not authorization:
            return answer
        answer = self._send(self.host, not self.plain, method, path, {**headers, "Authorization": authorization})
        if answer.status != 401:
            self._tokens[scope] = authorization
        return answer

    def _answer_to(self, challenge: str, scope: str) -> str:
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic" and self.credentials:
            return f"Basic {self.credentials.basic}"
        if kind.lower() != "bearer":
            return ""
        wanted = dict(PARAMETER.findall(rest))
        try:
            realm = urllib.parse.urlsplit(wanted.get("realm", ""))
        except ValueError:
            raise TargetError(f"the registry {self.host} wants the password sent to what is no URL: not done") from None
        if realm.scheme != "https" and not (realm.scheme == "http" and self.plain):
            raise TargetError(f"the registry {self.host} wants the password sent to {realm.scheme}://…: not done")
        words = {name: value for name, value in (("service", wanted.get("service", "")), ("scope", scope)) if value}
        headers = {"Authorization": f"Basic {self.credentials.basic}"} if self.credentials else {}
        path = f"{realm.path or '/'}?{urllib.parse.urlencode(words)}"
        answer = self._send(realm.netloc, realm.scheme == "https", "GET", path, headers)
        body = answer.json()
        token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        return f"Bearer {token}" if answer.status == 200 and TOKEN.fullmatch(str(token or "")) else ""

    def _send(self, host: str, tls: bool, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        context = self._context() if tls else None
        try:
            with contextlib.closing(_connection(host, self.timeout, context)) as connection:
                connection.request(method, path, headers=dict(headers))
                answer = connection.getresponse()
                body = _body(answer, time.monotonic() + self.timeout)
                return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        except ssl.SSLError as error:
            hint = "name its certificate authority with --registry-ca, or say `insecure: true` of it in the inventory"
            raise TargetError(f"the registry {host}: no TLS connection: {hint}", str(error)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError for what cannot be a host, a path or a header.
            message = f"the registry {host} gave no answer within {self.timeout:g} s, or broke off"
            raise TargetError(message, f"{type(error).__name__}: {error}"[:500]) from None

    def _context(self) -> ssl.SSLContext:
        try:
            if not self.verify:
                # The inventory says so for this registry.
                return ssl._create_unverified_context()  # noqa: S323
            return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{self.ca}: this is not a PEM file with certificates: {error}") from None


def _connection(host: str, timeout: float, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    if context is None:
        return http.client.HTTPConnection(host, timeout=timeout)
    return http.client.HTTPSConnection(host, timeout=timeout, context=context)


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """All of a body that comes in time; a timeout of its connection is only that of each read."""
    parts: list[bytes] = []
    left = LARGEST_ANSWER
    while left > 0 and (part := answer.read1(min(BLOCK, left))):
        parts.append(part)
        left -= len(part)
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {LARGEST_ANSWER - left} bytes of the answer came")
    return b"".join(parts)


def _is_here(host: str) -> bool:
    try:
        name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return host.partition(":")[0] == "localhost"


def _manifest(what: str, digest: str, body: Any) -> Manifest:
    try:
        if "manifests" in body:
            return Manifest(digest, "", ())
        config = str(body["config"]["digest"])
        # A registry does not keep foreign layers, which are downloaded from their own URLs.
        layers = [str(layer["digest"]) for layer in body["layers"][:MOST_LAYERS] if not layer.get("urls")]
    except (KeyError, TypeError, AttributeError):
        raise TargetError(f"{what} is no image of today's formats (a manifest of schema 2 or OCI)") from None
    if len(body["layers"]) > MOST_LAYERS:
        raise TargetError(f"{what} has more than {MOST_LAYERS} layers")
    return Manifest(digest, config, (config, *layers))
