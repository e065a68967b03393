"""The kubeconfig's settings for the server and its user hold for forwarding as for every other request."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from kubernetes.client import ApiClient
from meshproof.errors import TargetError
from meshproof.targets.kube.api import kubeconfig as config

Forwarding = Callable[..., None]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
PLUGIN = """
import json
credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "plugged"}}
print(json.dumps(credential))
"""


async def echo(reader: Reader, writer: Writer) -> None:
    writer.write(await reader.read(100))


def b64(*blobs: trustme.Blob) -> str:
    return base64.b64encode(b"".join(blob.bytes() for blob in blobs)).decode()


class Authority:
    """Certificates, and a server's TLS with them."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.data = b64(self.ca.cert_pem)

    def tls(self, *names: str, clients: bool = False) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(made)
        if clients:
            made.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(made)
        return made

    def client(self) -> dict[str, str]:
        issued = self.ca.issue_cert("me@example.test")
        return {
            "client-certificate-data": b64(*issued.cert_chain_pems),
            "client-key-data": b64(issued.private_key_pem),
        }


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def client(tmp_path: Path) -> Callable[..., ApiClient]:
    """The client that a kubeconfig of that cluster and user makes."""

    def make(url: str, cluster: dict[str, Any], user: dict[str, Any]) -> ApiClient:
        file = tmp_path / "kubeconfig"
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "one", "cluster": {"server": url, **cluster}}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "one", "user": "me"}}],
        }
        file.write_text(json.dumps(body))
        return config.client((file,), config.read((file,), "lab"), tmp_path)

    return make


async def works(bench: Any, api: ApiClient) -> None:
    async with bench.pod(echo) as port, bench.forward(port, api) as forward:
        reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
        writer.write(b"word")
        assert await reader.read() == b"word"


def test_a_client_certificate_is_shown(forwarding: Forwarding, authority: Authority, client: Any) -> None:
    async def body(bench: Any) -> None:
        known = {"certificate-authority-data": authority.data}
        await works(bench, client(bench.server.url, known, authority.client()))
        with pytest.raises(TargetError, match="forwarding a local port to pod istio-system/one"):
            await works(bench, client(bench.server.url, known, {}))

    forwarding(body, tls=authority.tls("127.0.0.1", clients=True))


def test_the_tls_server_name_of_the_kubeconfig_is_used(
    forwarding: Forwarding, authority: Authority, client: Any
) -> None:
    async def body(bench: Any) -> None:
        known = {"certificate-authority-data": authority.data}
        await works(bench, client(bench.server.url, {**known, "tls-server-name": "api.example.test"}, {}))
        with pytest.raises(TargetError, match="is for another name"):
            await works(bench, client(bench.server.url, known, {}))

    forwarding(body, tls=authority.tls("api.example.test"))


def test_a_foreign_server_gets_no_token(forwarding: Forwarding, authority: Authority, client: Any) -> None:
    async def body(bench: Any) -> None:
        known = {"certificate-authority-data": authority.data}
        with pytest.raises(TargetError, match="is not of the authority that the kubeconfig names"):
            await works(bench, client(bench.server.url, known, {"token": "s3cr3t"}))
        assert bench.server.asked == []
        await works(bench, client(bench.server.url, {"insecure-skip-tls-verify": True}, {"token": "s3cr3t"}))

    forwarding(body, tls=Authority().tls("127.0.0.1"))


def test_a_plugins_token_is_sent(forwarding: Forwarding, client: Any, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    version = "client.authentication.k8s.io/v1"
    execute = {"apiVersion": version, "command": sys.executable, "args": [str(plugin)], "interactiveMode": "Never"}

    async def body(bench: Any) -> None:
        await works(bench, client(bench.server.url, {}, {"exec": execute}))
        assert {request.headers["authorization"] for request in bench.server.asked} == {"Bearer plugged"}

    forwarding(body)


def test_a_forward_is_opened_as_the_account_that_is_acted_as(forwarding: Forwarding, client: Any) -> None:
    async def body(bench: Any) -> None:
        await works(bench, client(bench.server.url, {}, {"token": "t", "as": "ci"}))
        assert {request.headers["impersonate-user"] for request in bench.server.asked} == {"ci"}

    forwarding(body)


def test_the_proxy_of_the_kubeconfig_is_used(forwarding: Forwarding, authority: Authority, client: Any) -> None:
    asked: list[bytes] = []

    async def proxy(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0])
        host, _, port = head.split()[1].decode().rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source: Reader, to: Writer) -> None:
            while data := await source.read(1 << 16):
                to.write(data)
            to.close()

        await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)

    async def body(bench: Any) -> None:
        async with bench.pod(proxy) as port:
            known = {"certificate-authority-data": authority.data, "proxy-url": f"http://127.0.0.1:{port}"}
            await works(bench, client(bench.server.url, known, {}))
        line = f"CONNECT {bench.server.url.removeprefix('https://')} HTTP/1.1".encode()
        # One that shows whether it can be, and the connection itself.
        assert asked == [line, line]

    forwarding(body, tls=authority.tls("127.0.0.1"))
