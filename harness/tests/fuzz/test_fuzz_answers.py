"""Servers that answer what they like: a registry, one with a bundle, and a registry as a host's curl saw it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fuzz_data import damaged
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meshproof.border.inventory import RegistryEntry
from meshproof.border.timeouts import Timeouts
from meshproof.errors import MeshproofError, TargetError
from meshproof.targets.hosts.bundle import source
from meshproof.targets.hosts.facts.registry import registry as seen_by_host
from meshproof.targets.hosts.images.credentials import Credentials
from meshproof.targets.hosts.images.registry import Registry

FUZZ = settings(settings.get_profile("fuzz"))
MANIFEST = b'{"config": {"digest": "sha256:0"}, "layers": [{"digest": "sha256:1"}]}'


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer in HTTP/1.1, after which the connection ends."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body


@dataclass
class Server:
    """Gives the same bytes to whoever connects, and ends the connection."""

    says: bytes = b""
    port: int = 0
    ended: bool = False

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    held = Server()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held.port = listening.getsockname()[1]

        def serve() -> None:
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2.0)
                    # The whole request is read, or the end of the connection would be a reset.
                    asked = b""
                    while b"\r\n\r\n" not in asked and (part := connection.recv(65536)):
                        asked += part
                    if held.ended:
                        return
                    connection.sendall(held.says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield held
        held.ended = True
        socket.create_connection(("127.0.0.1", held.port)).close()
        thread.join()


def asked(server: Server, says: bytes) -> None:
    """Each thing that a registry is asked ends in an answer, or in one error of ours that names it."""
    server.says = says
    known = Registry(server.host, 2.0, Credentials("me", "hunter22"), scheme="http")

    async def all_of_it() -> None:
        for work in (
            known.answers(),
            known.manifest("library/pilot", "1.9.5"),
            known.holds("library/pilot", "sha256:0"),
        ):
            try:
                await work
            except TargetError as error:
                assert "hunter22" not in str(error)  # noqa: PT017
                assert "127.0.0.1" in str(error) or "registry" in str(error)  # noqa: PT017

    asyncio.run(all_of_it())


@FUZZ
@given(says=damaged(answer(MANIFEST, "Docker-Content-Digest: sha256:0")))
def test_answers_of_a_registry(server: Server, says: bytes) -> None:
    asked(server, says)


REALMS = [
    "http://[",
    "http://127.0.0.1:x/",
    "http://",
    "http://127.0.0.1:99999/",
    "http://a b/",
    "http://127.0.0.1:1/\x7f",
    "",
]


@pytest.mark.parametrize("realm", REALMS)
def test_realms_that_are_no_urls(server: Server, realm: str) -> None:
    server.says = answer(b"", f'WWW-Authenticate: Bearer realm="{realm}",service="x"', status="401 No")
    with pytest.raises(TargetError, match="registry"):
        asyncio.run(Registry(server.host, 2.0, Credentials("me", "hunter22"), scheme="http").answers())


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        answer(b"[" * 100_000),
    ],
    ids=["chunk", "many headers", "long header", "status", "deep"],
)
def test_broken_answers_of_a_registry(server: Server, says: bytes) -> None:
    asked(server, says)


def test_a_manifest_with_very_many_layers(server: Server) -> None:
    layers = ", ".join(['{"digest": "sha256:1"}'] * 2000)
    server.says = answer(f'{{"config": {{"digest": "sha256:0"}}, "layers": [{layers}]}}'.encode())
    with pytest.raises(TargetError, match="more than 1000 layers"):
        asyncio.run(Registry(server.host, 2.0, scheme="http").manifest("library/pilot", "1"))


def fetched(server: Server, says: bytes, cache: Path, checksum: str) -> Path:
    server.says = says
    timeouts = replace(Timeouts(), bundle_answer=2.0)
    return asyncio.run(source.fetch(f"http://{server.host}/b.tar", checksum, cache, timeouts))


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx", "was cut after 0 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "was cut after 2 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab", "says that it sends 'x' bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab", "says that it sends '-5' bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "says that it sends"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n", "larger than"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "was cut after 0 bytes"),
        (b"HTTP/9 what\r\n\r\n", "was cut after 0 bytes"),
        (b"HTTP/1.1 503 \x1b[31mred\r\n\r\n", r"answered 503 '\\x1b\[31mred'"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n", "was cut after 0 bytes"),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n", "redirects from HTTP"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:x/\r\n\r\n", "was cut after 0 bytes"),
    ],
)
def test_broken_downloads(server: Server, tmp_path: Path, says: bytes, words: str) -> None:
    with pytest.raises(MeshproofError, match=words) as caught:
        fetched(server, says, tmp_path, "0" * 64)
    assert "127.0.0.1" in str(caught.value) or "redirects" in str(caught.value)


@FUZZ
@given(says=damaged(answer(b"a bundle", "ETag: x")))
def test_downloads(server: Server, tmp_path: Path, says: bytes) -> None:
    with pytest.raises(MeshproofError):
        # What comes in one piece all the same is no archive.
        fetched(server, says, tmp_path, hashlib.sha256(b"a bundle").hexdigest())


@pytest.mark.parametrize("url", ["http://[/x", "http://127.0.0.1:x/x", "http://127.0.0.1:99999/x", "http://a:b:c/x"])
def test_urls_that_are_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(MeshproofError, match="is no URL"):
        asyncio.run(source.fetch(url, "0" * 64, tmp_path, Timeouts()))


def test_a_server_that_keeps_a_download_just_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(source.time, "monotonic", lambda: next(clock))
    drips = SimpleNamespace(read1=lambda _size: b"x")
    with pytest.raises(TimeoutError, match="only 4 bytes came in 40 s"):
        source._receive(drips, tmp_path / "part", True, 0, "b.tar", 30.0, lambda _text: None)


def told_by_curl(says: bytes) -> None:
    """The facts of a registry, when this is all that a host's curl prints."""
    out = SimpleNamespace(ok=True, stderr="", code=0, text=says.decode(errors="replace"))

    async def run(*_words: Any, **_options: Any) -> Any:
        return out

    host: Any = SimpleNamespace(run=run, redaction=lambda text: text)
    entry = RegistryEntry("http://registry.example.com", "library", ("pilot:1.9.5",), "", True, "", "")
    facts = asyncio.run(seen_by_host(host, entry))
    assert facts.error or facts.status


@FUZZ
@given(
    says=damaged(
        answer(b'{"token": "t"}', 'WWW-Authenticate: Bearer realm="http://registry.example.com/t",service="r"')
    )
)
@example(says=b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n")
def test_answers_as_a_host_sees_them(says: bytes) -> None:
    told_by_curl(says)


@pytest.mark.parametrize(
    "says", [b"", b"\n", b"HTTP/1.1", b"HTTP/1.1 x", b"hello", b"HTTP/1.1 200\n\n" + b"[" * 100_000]
)
def test_answers_that_are_no_http_as_a_host_sees_them(says: bytes) -> None:
    told_by_curl(says)


@settings(FUZZ, max_examples=30)
@given(
    realm=st.sampled_from([*REALMS, "ftp://x/", "file:///x"]), token=st.sampled_from(["[1]", "{}", '{"token": 1}', "7"])
)
def test_logins_as_a_host_sees_them(realm: str, token: str) -> None:
    told_by_curl(answer(token.encode(), f'WWW-Authenticate: Bearer realm="{realm}",service="x"', status="401 No"))
