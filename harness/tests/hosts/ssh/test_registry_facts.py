"""A registry as a host sees it, through a real sshd and curl, from a server that answers by the registry's protocol."""

import asyncio
import base64
import json
import shutil
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from meshproof.border.inventory import RegistryEntry
from meshproof.errors import UsageError
from meshproof.targets.hosts.facts.registry import registry

DIGEST = "sha256:" + "0" * 64
USER, PASSWORD, TOKEN = "robot$a", 'p"w\\d\n', "a-token"
HELD = "/v2/library/pilot/manifests/1.9.5"


@dataclass
class Served:
    """The requests so far, and which login is required: a `Bearer` token, `Basic`, or none."""

    scheme: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def served():
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked.append(f"{self.command} {self.path}")
            basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            given = self.headers.get("Authorization", "")
            if self.path.startswith("/token"):
                body = json.dumps({"token": TOKEN}).encode() if given == basic else b"{}"
                self.answer(200 if given == basic else 401, body)
            elif state.scheme and given != {"Bearer": f"Bearer {TOKEN}", "Basic": basic}[state.scheme]:
                realm = f'realm="http://127.0.0.1:{state.port}/token",service="registry"'
                self.answer(401, b"", ("WWW-Authenticate", f"{state.scheme} {realm}"))
            elif self.path in ("/v2/", HELD):
                self.answer(200, b"{}", ("Docker-Content-Digest", DIGEST))
            else:
                self.answer(404, b"")

        do_HEAD = do_GET  # noqa: N815

        def answer(self, status, body, *headers):
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def look(sshd, short, open_connection, served, monkeypatch):
    if not shutil.which("curl"):
        pytest.skip("needs curl on this machine")
    monkeypatch.setenv("TEST_REGISTRY_USER", USER)
    monkeypatch.setenv("TEST_REGISTRY_PASSWORD", PASSWORD)

    def call(user="", password="", url=""):
        url = url or f"http://127.0.0.1:{served.port}"
        entry = RegistryEntry(url, "library", ("pilot:1.9.5", "pilot:1.0"), "", True, user, password)

        async def preparation():
            async with open_connection(sshd.inventory(short), short) as connection:
                return await registry(connection, entry)

        return asyncio.run(asyncio.wait_for(preparation(), 120))

    return call


LOGIN = ("TEST_REGISTRY_USER", "TEST_REGISTRY_PASSWORD")


@pytest.mark.parametrize(("scheme", "login"), [("", ()), ("Basic", LOGIN), ("Bearer", LOGIN)])
def test_images_are_found_with_whatever_login_is_asked_for(scheme, login, look, served):
    served.scheme = scheme
    facts = look(*login)
    assert facts.error == ""
    assert [(one.image, one.status, one.digest) for one in facts.images] == [
        ("pilot:1.9.5", 200, DIGEST),
        ("pilot:1.0", 404, ""),
    ]
    assert f"HEAD {HELD}" in served.asked


def test_without_the_login_nothing_is_seen(look, served):
    served.scheme = "Basic"
    facts = look()
    assert (facts.status, [one.status for one in facts.images]) == (401, [401, 401])
    served.scheme = "Bearer"
    assert "login answered 401 and no token" in look().error


def test_a_registry_that_does_not_answer(look):
    assert "Failed to connect" in look(url="http://127.0.0.1:1").error


def test_where_the_inventory_names_no_variables_the_default_ones_hold_the_login(look, served, monkeypatch):
    served.scheme = "Basic"
    monkeypatch.setenv("MESHPROOF_REGISTRY_USERNAME", USER)
    with pytest.raises(UsageError, match="MESHPROOF_REGISTRY_PASSWORD is not set, and its counterpart is"):
        look()
    monkeypatch.setenv("MESHPROOF_REGISTRY_PASSWORD", PASSWORD)
    assert [one.status for one in look().images] == [200, 404]


def test_a_variable_that_is_not_set_is_a_usage_error(look):
    with pytest.raises(UsageError, match="NOT_SET_HERE"):
        look("NOT_SET_HERE", "NOR_HERE")
