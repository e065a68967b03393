"""An API server that refuses, does not answer, or is gone: reported by name, within the limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration
from meshproof.errors import TargetError
from meshproof.targets.kube.api.refusal import RefusedError, UnreachableError

Forwarding = Callable[..., None]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
WHAT = "forwarding a local port to pod istio-system/one:8080"


def status(reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "reason": reason, "message": message}


async def never(bench: Any, api: ApiClient | None = None, **limits: float) -> None:
    """A forwarding that does not begin."""
    async with bench.forward(8080, api, **limits):
        pytest.fail("there is no port")


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (403, "Forbidden", "forbidden to this user (docs/rbac.yaml lists what is needed)"),
        (401, "Unauthorized", "the API server does not accept the credentials of this context"),
        (404, "NotFound", "not found"),
        (500, "InternalError", "the API server answers 500 (InternalError)"),
    ],
)
def test_a_refusal_is_reported_before_anything_is_sent(
    forwarding: Forwarding, code: int, reason: str, words: str
) -> None:
    async def body(bench: Any) -> None:
        said = 'pods "one" is forbidden: User "me" cannot get resource "pods/portforward"'
        bench.server.refuse = (code, status(reason, said))
        with pytest.raises(RefusedError) as caught:
            await never(bench)
        assert caught.value.message == f"{WHAT}: {words}"
        assert said in caught.value.detail
        assert "look: kubectl" in caught.value.detail

    forwarding(body)


def test_a_refusal_of_a_later_connection_is_kept(forwarding: Forwarding) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        writer.write(await reader.read(100))

    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port, bench.forward(port) as forward:
            bench.server.refuse = (404, status("NotFound", 'pods "one" not found'))
            reader, _ = await asyncio.open_connection("127.0.0.1", forward.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert isinstance(forward.failure, RefusedError)
            assert forward.failure.status == 404
            assert "pod istio-system/one" in forward.failure.message

    forwarding(body)


def test_an_api_server_that_vanishes_resets_what_there_is_and_is_named(forwarding: Forwarding) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(100):
            writer.write(data)

    async def body(bench: Any) -> None:
        async with bench.pod(echo) as port, bench.forward(port) as forward:
            reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            await bench.server.vanish()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            reader, _ = await asyncio.open_connection("127.0.0.1", forward.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert isinstance(forward.failure, UnreachableError)
            assert f"the API server at {bench.server.url} cannot be reached" in forward.failure.message

    forwarding(body)


def test_an_api_server_that_says_nothing_is_not_waited_for(forwarding: Forwarding) -> None:
    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async def body(bench: Any) -> None:
        async with bench.pod(silent) as port:
            api = ApiClient(Configuration(host=f"http://127.0.0.1:{port}"))
            with pytest.raises(UnreachableError, match="did not answer in time"):
                await never(bench, api, kube_forward=0.5)

    forwarding(body)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"])
def test_what_is_no_api_server_is_reported(forwarding: Forwarding, answer: bytes) -> None:
    async def other(reader: Reader, writer: Writer) -> None:
        await reader.readline()
        writer.write(answer)

    async def body(bench: Any) -> None:
        async with bench.pod(other) as port:
            with pytest.raises(TargetError, match=WHAT):
                await never(bench, ApiClient(Configuration(host=f"http://127.0.0.1:{port}")))

    forwarding(body)


def test_no_redirect_is_followed_with_the_credentials(forwarding: Forwarding) -> None:
    met: list[bytes] = []

    async def elsewhere(reader: Reader, writer: Writer) -> None:
        met.append(await reader.readuntil(b"\r\n\r\n"))

    async def body(bench: Any) -> None:
        async with bench.pod(elsewhere) as port:
            bench.server.refuse = (302, {})
            bench.server.location = f"http://127.0.0.1:{port}/"
            with pytest.raises(RefusedError) as caught:
                await never(bench)
            assert caught.value.status == 302
            assert met == []

    forwarding(body)


def test_a_token_is_sent_and_never_logged(forwarding: Forwarding, caplog: pytest.LogCaptureFixture) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        writer.write(await reader.read(100))

    async def body(bench: Any) -> None:
        configuration = Configuration(host=bench.server.url)
        tokens = iter(["first-s3cr3t", "second-s3cr3t"])

        def renewed(one: Configuration) -> None:
            one.api_key["authorization"] = f"Bearer {next(tokens)}"

        configuration.api_key["authorization"] = "Bearer stale"
        # A credential plugin's token is valid for a while; the client asks for it with each request.
        configuration.refresh_api_key_hook = renewed
        with caplog.at_level(logging.DEBUG):
            async with bench.pod(echo) as port, bench.forward(port, ApiClient(configuration)) as forward:
                reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
                writer.write(b"x")
                assert await reader.readexactly(1) == b"x"
        sent = [request.headers["authorization"] for request in bench.server.asked]
        assert sent == ["Bearer first-s3cr3t", "Bearer second-s3cr3t"]

    forwarding(body)
    # The stand-in, which is no part of the product, logs what it received.
    reported = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert [words for words in reported if "s3cr3t" in words] == []
