"""Harbor's own API and token service: a small stand-in that answers as Harbor documents them."""

import asyncio
import base64
import functools
import http.server
import json
import socketserver
import threading
import urllib.parse
from pathlib import Path

import pytest
from meshproof.errors import TargetError
from meshproof.targets.hosts.images.credentials import Credentials
from meshproof.targets.hosts.images.naming import parse_hub

USER, WORD = "robot$push", "hunter-two"
BASIC = "Basic " + base64.b64encode(f"{USER}:{WORD}".encode()).decode()
WELL = {"status": "healthy", "components": [{"name": "core", "status": "healthy"}]}


class Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which asks the DNS for this machine's name."""

    daemon_threads = True


class HarborStandIn(http.server.BaseHTTPRequestHandler):
    """Answers as the pages of Harbor's API say; `server.facts` says in which state it is."""

    def do_GET(self):
        facts, path = self.server.facts, urllib.parse.urlsplit(self.path)
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        authorized = self.headers.get("Authorization") == BASIC
        if path.path == "/v2/":
            given = self.headers.get("Authorization") == "Bearer abc.def"
            realm = facts.get("realm") or f"http://127.0.0.1:{self.server.server_address[1]}/service/token"
            self.answer(200 if given else 401, {}, f'Bearer realm="{realm}",service="harbor-registry"')
        elif path.path == "/service/token":
            self.answer(200 if authorized else 401, {"token": "abc.def"} if authorized else {})
        elif path.path == f"{facts['base']}/health":
            self.answer(200, facts["health"])
        elif path.path == f"{facts['base']}/projects":
            name = urllib.parse.parse_qs(path.query)["project_name"][0]
            self.answer(401 if not authorized else 200 if name in facts["projects"] else 404, {}, "Basic realm=harbor")
        elif path.path == f"{facts['base']}/systeminfo":
            self.answer(200, {"read_only": facts.get("read_only", False)})
        else:
            self.answer(404, {})

    do_HEAD = do_GET  # noqa: N815

    def answer(self, status, body, challenge=""):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status == 401 and challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def harbor():
    with Server(("127.0.0.1", 0), HarborStandIn) as server:
        server.facts = {"base": "/api/v2.0", "health": WELL, "projects": ["library"]}
        server.asked = []
        server.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def check(harbor, pusher):
    def go(project="library", word=WORD):
        one = pusher(harbor.host)
        one.registry.credentials = Credentials(USER, word)
        return asyncio.run(one.check(parse_hub(f"{harbor.host}/{project}")))

    return go


@pytest.mark.parametrize("base", ["/api/v2.0", "/api"])
def test_a_healthy_harbor_is_recognised(harbor, check, base):
    harbor.facts["base"] = base
    assert check() == "Harbor"
    # The password goes to the registry's token service, and nowhere without a challenge.
    assert [asked[2] for asked in harbor.asked if asked[1] == "/v2/"] == [None, "Bearer abc.def"]


def test_an_unhealthy_component_is_named(harbor, check):
    ill = {"name": "database", "status": "unhealthy", "error": "connection refused"}
    harbor.facts["health"] = {"status": "unhealthy", "components": [*WELL["components"], ill]}
    with pytest.raises(TargetError, match=r"not healthy\ndatabase: connection refused"):
        check()


def test_a_project_that_is_missing_is_named(check):
    with pytest.raises(TargetError, match="no project 'mesh'"):
        check("mesh/istio")


def test_a_harbor_that_is_read_only_is_reported(harbor, check):
    harbor.facts["read_only"] = True
    with pytest.raises(TargetError, match="read only"):
        check()


def test_a_wrong_password_is_reported(check):
    with pytest.raises(TargetError, match="refuses the name or the password") as caught:
        check(word="wrong-one")
    assert "wrong-one" not in str(caught.value)


def test_a_challenge_that_would_send_the_password_anywhere_is_refused(harbor, pusher):
    one = pusher(harbor.host)
    one.registry.credentials = Credentials(USER, WORD)
    one.registry.ca = Path("/etc/ssl/certs/ca-certificates.crt")
    with pytest.raises(TargetError, match="not done"):
        one.registry._answer_to('Bearer realm="http://elsewhere.example/token",service="x"', "")
    assert not harbor.asked
