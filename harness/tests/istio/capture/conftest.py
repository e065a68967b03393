"""A shop on the stand-in for an API server, with a stand-in for kubectl on PATH: no cluster is behind it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from live_shop import Shop, fill  # noqa: E402
from stand_in_cluster import Api, serving  # noqa: E402

KUBECTL = """#!{python} -IS
import json, sys
assert "version" in sys.argv, sys.argv
one = {{"gitVersion": "v1.35.0"}}
both = {{"clientVersion": one}} | ({{}} if "--client" in sys.argv else {{"serverVersion": one}})
print(json.dumps(both))
"""


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Api], Shop]:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(KUBECTL.format(python=sys.executable))
    (programs / "kubectl").chmod(0o700)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.chdir(tmp_path)

    def make(api: Api) -> Shop:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "one", "cluster": {"server": api.url}}],
            "users": [{"name": "me", "user": {"token": "a-token"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "one", "user": "me"}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        return Shop(api, tmp_path)

    return make


@pytest.fixture
def shop(shops: Callable[[Api], Shop]) -> Iterator[Shop]:
    with serving() as api:
        fill(api)
        yield shops(api)
