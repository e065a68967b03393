"""WebSockets to the API server, with the credentials, the trust and the proxy of the Kubernetes client.

That client streams in threads, one for each connection (kubernetes.stream); these belong to the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlencode

from kubernetes.client import ApiClient, Configuration
from urllib3.util.ssl_ import create_urllib3_context
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import HeadersLike
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.typing import Subprotocol

from meshproof.records import dataclass
from meshproof.targets.kube.api.refusal import refusal, unreachable

# At level DEBUG the library logs every header, and one of them is a token.
QUIET = logging.getLogger("meshproof.websocket")
QUIET.setLevel(logging.ERROR)


@dataclass(slots=True)
class WebSockets:
    """Opens WebSockets; `limit` is that of opening one, `closing` that of closing one, both in seconds."""

    api: ApiClient
    limit: float
    closing: float
    hint: str = ""
    _tls: ssl.SSLContext | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, path: str, query: Mapping[str, str], protocol: str, what: str) -> ClientConnection:
        """Open one with the subprotocol `protocol`; RefusedError and UnreachableError begin with `what`."""
        configuration = self.api.configuration
        server = str(configuration.host)
        headers = await self._credentials()
        secure: dict[str, Any] = {}
        if server.startswith("https:") and configuration.tls_server_name:
            secure["server_hostname"] = configuration.tls_server_name
        try:
            if server.startswith("https:"):
                secure["ssl"] = self._tls = self._tls or await asyncio.to_thread(trust, configuration)
            return await connect(
                f"ws{server.removeprefix('http').rstrip('/')}{path}?{urlencode(query)}",
                subprotocols=[Subprotocol(protocol)],
                compression=None,
                additional_headers=headers,
                user_agent_header=None,
                proxy=_proxy(self.api),
                open_timeout=self.limit,
                # While a pod is slow to read, the server does not answer pings.
                ping_interval=None,
                close_timeout=self.closing,
                max_size=None,
                logger=QUIET,
                create_connection=_WithoutRedirects,
                **secure,
            )
        except _Answered as answer:
            response = answer.response
            raise refusal(what, response.status_code, bytes(response.body or b""), self.hint) from None
        # An ImportError means a SOCKS proxy, for which the library needs another package.
        except (OSError, WebSocketException, ImportError) as error:
            raise unreachable(what, server, error, self.hint) from None

    async def leave(self, connection: ClientConnection) -> None:
        """Close it; it is aborted where the other side does not read the closing frame in time."""
        try:
            async with asyncio.timeout(self.closing):
                await connection.close()
        except TimeoutError:
            connection.transport.abort()

    async def _credentials(self) -> dict[str, str]:
        """The headers of the client's requests. A credential plugin may run for them: one at a time."""
        async with self._asking:
            given = await asyncio.to_thread(self.api.configuration.auth_settings)
        token = {one["key"]: one["value"] for one in given.values() if one["value"]}
        return {**self.api.default_headers, **token}


def trust(configuration: Configuration) -> ssl.SSLContext:
    """The TLS settings of the client's own requests."""
    checked = bool(configuration.verify_ssl)
    made: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if checked else ssl.CERT_NONE)
    made.check_hostname = checked and configuration.assert_hostname is not False
    # Newer clients have the authority's certificate inline as well.
    inline = getattr(configuration, "ca_cert_data", None)
    if configuration.ssl_ca_cert or inline:
        made.load_verify_locations(cafile=configuration.ssl_ca_cert or None, cadata=inline)
    elif checked:
        made.load_default_certs()
    if configuration.cert_file:
        made.load_cert_chain(configuration.cert_file, configuration.key_file)
    made.set_alpn_protocols(["http/1.1"])
    return made


def _proxy(api: ApiClient) -> str | None:
    """The proxy that the client uses, by kubeconfig, environment and exceptions."""
    manager = api.rest_client.pool_manager
    if given := getattr(manager, "proxy_url", None):
        return str(given)
    return manager.proxy.url if manager.proxy else None


class _Answered(Exception):  # noqa: N818
    """The server answered the handshake with something else."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _WithoutRedirects(ClientConnection):
    """A connection that follows no redirect: the credentials are for that one server."""

    async def handshake(
        self, additional_headers: HeadersLike | None = None, user_agent_header: str | None = ""
    ) -> None:
        try:
            await super().handshake(additional_headers, user_agent_header)
        except InvalidStatus as error:
            raise _Answered(error.response) from None
