"""Requests that an API server asks to repeat later: within a limit, and until cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.objects import Objects


@pytest.fixture
def busy() -> Any:
    """A busy API server: each answer is a status and a Retry-After; the last one is repeated."""
    answers: list[tuple[int, str]] = []
    asked: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            status, after = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            if after:
                self.send_header("retry-after", after)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    configuration = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    configuration.retries = False
    yield answers, asked, lambda limit: Objects(ApiClient(configuration), limit)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_repeated_after_transient_failures(busy: Any) -> None:
    answers, asked, objects = busy
    answers += [(503, ""), (429, ""), (200, "")]
    assert asyncio.run(objects(10).raw("/x", what="asking")) == {}
    assert len(asked) == 3


def test_a_repetition_waits_as_long_as_retry_after_says(busy: Any) -> None:
    answers, asked, objects = busy
    answers += [(429, "1"), (200, "")]
    asyncio.run(objects(10).raw("/x", what="asking"))
    assert asked[1] - asked[0] >= 1


@pytest.mark.parametrize("after", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT", ""])
def test_a_repetition_waits_no_longer_than_the_limit_of_an_answer(busy: Any, after: str) -> None:
    answers, asked, objects = busy
    answers += [(503, after)]
    began = time.monotonic()
    with pytest.raises(RefusedError, match="the API server answers 503"):
        asyncio.run(objects(1).raw("/x", what="asking"))
    assert time.monotonic() - began < 5
    assert len(asked) > 1


def test_a_repetition_can_be_cancelled(busy: Any) -> None:
    answers, asked, objects = busy
    answers += [(503, "3600")]

    async def body() -> None:
        asking = asyncio.ensure_future(objects(600).raw("/x", what="asking"))
        async with asyncio.timeout(10):
            while not asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    began = time.monotonic()
    asyncio.run(body())
    assert time.monotonic() - began < 5


def test_a_refusal_that_is_not_transient_is_not_repeated(busy: Any) -> None:
    answers, asked, objects = busy
    answers += [(403, "1")]
    with pytest.raises(RefusedError):
        asyncio.run(objects(10).raw("/x", what="asking"))
    assert len(asked) == 1
