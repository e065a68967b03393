"""The proxy for an API server is the one that kubectl uses, by Go's rule about proxies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from meshproof.targets.kube.api import kubeconfig as config
from meshproof.targets.kube.api import proxies
from meshproof.targets.kube.api.proxies import from_environment

PROXY = "http://proxy.test:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)


@pytest.mark.parametrize(
    ("server", "excepted", "proxied"),
    [
        ("https://api.test:6443", "", True),
        ("http://api.test", "", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://127.9.9.9:6443", "", False),
        ("https://[::1]:6443", "", False),
        ("https://localhost:6443", "", False),
        ("https://10.1.2.3:6443", "", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3:6443", "192.168.0.0/16, 10.1.2.3", False),
        ("https://10.1.2.3:6443", "10.1.2.3:443", True),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", False),
        ("https://[fd00::1]:6443", "fd00::/8", False),
        ("https://[fd00::1]:6443", "fd00::1", False),
        ("https://api.test", "*", False),
        ("https://api.test", "test", False),
        ("https://api.test", "api.test", False),
        ("https://api.test", "API.test:443", False),
        ("https://test", ".test", True),
        ("https://api.test", ".test", False),
        ("https://api.test", "*.test", False),
        ("https://api.test", "pi.test", True),
        ("https://api.test", "nonsense/x,, :", True),
    ],
)
def test_which_proxy_is_used_for_an_address(
    server: str, excepted: str, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", excepted)
    assert from_environment(server) == (PROXY if proxied else None)


def test_a_proxy_without_a_scheme_is_one_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    assert from_environment("https://api.test") == PROXY


def written(kubeconfig: Path, **cluster: str) -> None:
    reported = json.loads(kubeconfig.read_text())
    reported["clusters"][0]["cluster"] |= cluster
    kubeconfig.write_text(json.dumps(reported))


@pytest.mark.parametrize(
    ("cluster", "proxy"),
    [
        ({}, None),
        ({"server": "https://api.test:6443"}, PROXY),
        ({"proxy-url": "http://other.test:8080"}, "http://other.test:8080"),
    ],
)
def test_the_client_uses_the_proxy(
    kubeconfig: Path, tmp_path: Path, cluster: dict[str, str], proxy: str | None
) -> None:
    written(kubeconfig, **cluster)
    context = config.read((kubeconfig,), "lab")
    manager = config.client((kubeconfig,), context, tmp_path).rest_client.pool_manager
    assert (manager.proxy.url if manager.proxy else None) == proxy


@pytest.mark.parametrize("entry", ["[", "[x", "a:b", "a:99999", "http://[", "\0", ":", "/", "é/99"])
def test_an_exception_that_is_none_excepts_nothing(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setattr(proxies, "_variable", lambda name: entry if name == "no_proxy" else PROXY)
    assert from_environment("https://api.test") == PROXY
