"""Requests by the Kubernetes client for Python are made as the account that kubectl acts as."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, VersionApi
from meshproof.errors import UsageError
from meshproof.targets.hosts.api_server import parts
from meshproof.targets.kube.api import kubeconfig as config

Headers = list[dict[str, str]]


@pytest.fixture
def server() -> Iterator[tuple[str, Headers]]:
    """The address of a server that tells its version, and the headers of the requests so far."""
    seen: Headers = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            fields = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate")
            fields += ("goVersion", "compiler", "platform")
            body = json.dumps(dict.fromkeys(fields, "1")).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}", seen
    listening.shutdown()
    listening.server_close()


def written(file: Path, server: str, user: dict[str, Any]) -> Path:
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "one", "user": "me"}}],
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(body))
    return file


@pytest.fixture
def client(server: tuple[str, Headers], tmp_path: Path) -> Callable[[dict[str, Any]], ApiClient]:
    """The client of a kubeconfig with that user."""

    def make(user: dict[str, Any]) -> ApiClient:
        file = written(tmp_path / "clusters" / "kubeconfig", server[0], user)
        return config.client((file,), config.read((file,), "lab"), tmp_path)

    return make


def test_an_account_that_acts_as_another_one_does_so_in_each_request(client: Any, server: tuple[str, Headers]) -> None:
    user = {"token": "t", "as": "ci", "as-uid": "7", "as-groups": ["dev"], "as-user-extra": {"a/b": ["c"], "none": []}}
    VersionApi(client(user)).get_code()
    [headers] = server[1]
    assert headers["authorization"] == "Bearer t"
    told = {name: value for name, value in headers.items() if name.startswith("impersonate-")}
    assert told == {
        "impersonate-user": "ci",
        "impersonate-uid": "7",
        "impersonate-group": "dev",
        "impersonate-extra-a%2fb": "c",
    }


@pytest.mark.parametrize("more", [{"as-groups": ["a", "b"]}, {"as-user-extra": {"scopes": ["a", "b"]}}])
def test_several_values_of_one_header_are_refused_before_anything_is_asked(client: Any, more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"context lab: its user impersonates with 2 values of Impersonate-"):
        client({"token": "t", "as": "ci", **more})


@pytest.mark.parametrize("name", ["a\nb", "Zoë"])
def test_a_name_that_no_header_can_carry_is_refused_before_anything_is_asked(client: Any, name: str) -> None:
    with pytest.raises(
        UsageError, match="context lab: its user impersonates by a value of Impersonate-User that no header"
    ):
        client({"token": "t", "as": name})


@pytest.mark.parametrize("beside", [{}, {"token": "stale"}])
def test_a_token_file_is_read_again_and_comes_before_a_token(
    client: Any, server: tuple[str, Headers], tmp_path: Path, beside: dict[str, str]
) -> None:
    file = tmp_path / "clusters" / "token"
    file.parent.mkdir()
    file.write_text("first\n")
    api = VersionApi(client({"tokenFile": "token", **beside}))
    api.get_code()
    file.write_text("second\n")
    api.get_code()
    file.unlink()
    api.get_code()
    assert [one["authorization"] for one in server[1]] == ["Bearer first", "Bearer second", "Bearer second"]


def test_a_token_file_is_that_of_the_kubeconfig_that_has_the_user(server: tuple[str, Headers], tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    files = [written(place / "kubeconfig", server[0], {"tokenFile": "token"}) for place in (first, second)]
    for place in (first, second):
        (place / "token").write_text(place.name)
    VersionApi(config.client(files, config.read(files, "lab"), tmp_path)).get_code()
    assert server[1][0]["authorization"] == "Bearer first"


def test_a_hosts_kubeconfig_is_taken_over_with_whom_it_acts_as(tmp_path: Path) -> None:
    data = written(tmp_path / "kubeconfig", "https://10.0.0.1", {"token": "t", "as": "ci", "as-groups": ["dev"]})
    _, _, user = parts(data.read_bytes(), "", "node01: /etc/kubernetes/admin.conf")
    assert user == {"token": "t", "as": "ci", "as-groups": ["dev"]}
