"""Requests to an API server: each has a limit, is repeated where that may help, and fails with a described error."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

import urllib3.exceptions as transport
from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError

from meshproof.bounded import read_json
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.kube.api.refusal import TRANSIENT, RefusedError, UnreachableError, refusal, unreachable
from meshproof.targets.kube.hints import Shown, unnamed

REPEATS = 3
PAUSE = 0.2
NAMESPACE = re.compile(r"/namespaces/([^/]+)")

Json = dict[str, Any]


class Requests:
    """Requests to one API server; `timeout` is the limit of one answer in seconds.

    `shown` is how a person types a command of kubectl for this cluster.
    """

    def __init__(self, api: ApiClient, timeout: float, shown: Shown = unnamed) -> None:
        self._dynamic = DynamicClient(api, discoverer=_Undiscovered)
        self._server = str(api.configuration.host)
        self._timeout = timeout
        self.shown = shown

    async def raw(
        self,
        path: str,
        method: str = "GET",
        *,
        what: str,
        body: Mapping[str, Any] | None = None,
        query: Sequence[tuple[str, str]] = (),
        content: str = "application/json",
    ) -> Json:
        """The JSON that a request is answered with; errors begin with `what`, the purpose of the request.

        Raises RefusedError when the API server refuses, UnreachableError when it does not answer.
        """

        def ask() -> bytes:
            try:
                answer = self._dynamic.request(
                    method.lower(),
                    path,
                    body=body,
                    query_params=list(query),
                    content_type=content,
                    serialize=False,
                    _request_timeout=self._timeout,
                )
            except DynamicApiError as error:
                refused = refusal(what, error.status, error.body, namespace=_namespace_of(path), shown=self.shown)
                refused.after = _retry_after(error.headers)
                raise refused from None
            except (transport.HTTPError, OSError) as error:
                raise unreachable(what, self._server, error, f"look: {self.shown('cluster-info')}") from None
            return bytes(answer.data)

        data = await self._repeated(ask)
        try:
            answer = read_json(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            shown = data[:200].decode(errors="replace")
            raise TargetError(f"{what}: {self._server} does not answer as an API server does", shown)
        return answer

    async def _repeated(self, ask: Callable[[], bytes]) -> bytes:
        """The answer to a request, which is repeated after transient failures, within the limit of one answer.

        Every request may be repeated: applies are idempotent, deletions name a uid, creations say AlreadyExists.
        """
        deadline = time.monotonic() + self._timeout
        for number in itertools.count():
            try:
                return await asyncio.to_thread(ask)
            except RefusedError as error:
                pause = max(error.after, PAUSE * 2**number)
                if error.status not in TRANSIENT or number == REPEATS or time.monotonic() >= deadline:
                    raise
            except UnreachableError:
                pause = PAUSE * 2**number
                if number == REPEATS or time.monotonic() >= deadline:
                    raise
            # Retry-After may ask for more than the limit allows.
            await asyncio.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        raise AssertionError


@dataclass(slots=True)
class _Undiscovered:
    """Replaces DynamicClient's own discovery, which reads everything that a cluster serves."""

    client: Any
    cache_file: Any = field(default=None)


def _namespace_of(path: str) -> str:
    """The namespace in a path; empty when it has none."""
    found = NAMESPACE.search(path)
    return found[1] if found else ""


def _retry_after(headers: Any) -> float:
    """Retry-After in seconds; 0 where it is a date, or is missing."""
    given = (headers or {}).get("Retry-After", "")
    return float(given) if str(given).isdecimal() else 0.0
