"""Inventories, kubeconfigs and what else a person or a cluster writes down: read, or one error that names the file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from fuzz_data import ANY, ODD_TEXTS, altered, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.timeouts import Timeouts
from meshproof.errors import ManifestError, TargetError, UsageError
from meshproof.targets.hosts import api_server
from meshproof.targets.hosts.images.credentials import find
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.prepare import restore
from meshproof.targets.hosts.prepare.change import is_record
from meshproof.targets.hosts.prepare.journal import Journal, not_undone, parse, stopped_at
from meshproof.targets.hosts.prepare.restore import ordered
from meshproof.targets.istio.inspection.kube_proxy import configured
from meshproof.targets.istio.installation.manifest import split
from meshproof.targets.kube.api import kubeconfig

FUZZ = settings(settings.get_profile("fuzz"))
INVENTORY = {
    "ssh": {"knownHosts": "known", "hosts": 4, "sessions": 4},
    "defaults": {"user": "deploy", "become": True, "key": "~/.ssh/id"},
    "registry": {"url": "https://registry.example.com", "project": "library", "images": ["pilot:1.9.5"]},
    "hosts": [
        {
            "name": "a",
            "role": "worker",
            "address": "192.0.2.1",
            "port": 22,
            "jump": {"address": "b.example.com", "key": "id"},
            "expect": {"kernel": ">=5.4", "disk": {"/": "10Gi"}, "modules": ["ip_vs"], "clockOffset": "1s"},
        }
    ],
}
KUBECONFIG = {
    "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443", "certificate-authority-data": "AAAA"}}],
    "users": [{"name": "u", "user": {"token": "hunter22", "client-certificate-data": "AAAA"}}],
}
JOURNAL = {
    "time": "2026-01-31T10:15:00+00:00",
    "run": "r",
    "step": "kernel",
    "state": "begun",
    "change": {"kind": "file", "path": "/etc/x", "sha256": "0" * 64},
    "note": "",
}
ODD = st.one_of(ANY, st.sampled_from(ODD_TEXTS))


def dumped(data: Any) -> str:
    return json.dumps(data, default=str)


def inventory(folder: Path, text: str) -> None:
    file = folder / "hosts.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        load_inventory(file)
    except ManifestError as error:
        assert str(error).startswith(str(file))  # noqa: PT017


@FUZZ
@given(data=altered(INVENTORY, ODD))
def test_inventories(tmp_path: Path, data: Any) -> None:
    inventory(tmp_path, dumped(data))


@pytest.mark.parametrize("key", ["~nosuchuser/x", "~nosuchuser", "\0"])
@pytest.mark.parametrize("place", ["ssh", "defaults", "jump"])
def test_the_home_folder_of_nobody(tmp_path: Path, key: str, place: str) -> None:
    quoted = json.dumps(key)
    parts = {
        "ssh": f"ssh: {{config: {quoted}}}\nhosts:\n- {{name: a, role: worker, address: x}}\n",
        "defaults": f"defaults: {{key: {quoted}}}\nhosts:\n- {{name: a, role: worker, address: x}}\n",
        "jump": f"hosts:\n- {{name: a, role: worker, address: x, jump: {{address: other, key: {quoted}}}}}\n",
    }
    (tmp_path / "hosts.yaml").write_text(parts[place])
    with pytest.raises(ManifestError, match=r"hosts\.yaml:\d+:\d+: .*(nobody|no name of a file)"):
        load_inventory(tmp_path / "hosts.yaml")


URLS = ["http://[", "https://a:b", "https://a:99999", "https://a:0", "https://", "https://a b", "https://a/#x", "x"]


@pytest.mark.parametrize("url", URLS)
def test_urls_of_a_registry_that_are_none(tmp_path: Path, url: str) -> None:
    text = f"registry: {{url: {json.dumps(url)}}}\nhosts:\n- {{name: a, role: worker, address: x}}\n"
    (tmp_path / "hosts.yaml").write_text(text)
    with pytest.raises(ManifestError, match=r"hosts\.yaml:1:17: .* is not SCHEME://HOST"):
        load_inventory(tmp_path / "hosts.yaml")


def test_a_registry_whose_url_holds_a_password_is_not_quoted(tmp_path: Path) -> None:
    text = "registry: {url: 'https://me:hunter22@[x'}\nhosts:\n- {name: a, role: worker, address: x}\n"
    (tmp_path / "hosts.yaml").write_text(text)
    with pytest.raises(ManifestError, match="credentials must not be in an inventory") as caught:
        load_inventory(tmp_path / "hosts.yaml")
    assert "hunter22" not in str(caught.value)


def kubeconfig_of(folder: Path, data: bytes) -> None:
    """Both readers of a kubeconfig: that of this machine, and that of one which a host keeps."""
    file = folder / "config"
    file.write_bytes(data)
    for act in (
        lambda: kubeconfig.client([file], kubeconfig.read([file], "lab"), folder),
        lambda: api_server.local(api_server.parts(data, "", "worker-1: config")[1]["server"], "worker-1: config"),
    ):
        try:
            act()
        except (UsageError, TargetError) as error:
            assert "hunter22" not in str(error)  # noqa: PT017
            assert any(word in str(error) for word in (str(file), "worker-1", "context", "kubeconfig"))  # noqa: PT017


@FUZZ
@given(data=altered(KUBECONFIG, ODD))
def test_kubeconfigs(tmp_path: Path, data: Any) -> None:
    kubeconfig_of(tmp_path, dumped(data).encode("utf-8", "surrogatepass"))


@FUZZ
@given(data=damaged(yaml.safe_dump(KUBECONFIG).encode()))
def test_damaged_kubeconfigs(tmp_path: Path, data: bytes) -> None:
    kubeconfig_of(tmp_path, data)


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        f"{bomb(9)}\ncontexts:\n- name: *a8\n  context: {{cluster: c, user: u}}\n",
        "[" * 100_000,
        "contexts: &a [*a]\n",
        "a: !!python/object/apply:os.system [x]\n",
        "token: !!int hunter22\n",
        "a: 'hunter22\n",
        "contexts: 2020-99-99\n--- \nb: 1\n",
    ],
    ids=["aliases", "depth", "circle", "tag", "quoted", "open", "documents"],
)
def test_hostile_kubeconfigs(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(UsageError, match="config") as caught:
        kubeconfig.read([file], "lab")
    assert "hunter22" not in str(caught.value)
    with pytest.raises(TargetError, match="worker-1: config is no kubeconfig"):
        api_server.parts(text.encode(), "", "worker-1: config")


@pytest.mark.parametrize("server", ["https://192.0.2.1:192.0.2.1:6443", "https://a:99999", "https://[", "https://a:0"])
def test_servers_of_a_kubeconfig_that_are_no_urls(tmp_path: Path, server: str) -> None:
    cluster = {"name": "c", "cluster": {"server": server}}
    (tmp_path / "config").write_text(dumped({**KUBECONFIG, "clusters": [cluster]}))
    with pytest.raises(UsageError, match=r"context lab: the server of its cluster 'c' is no URL"):
        kubeconfig.read([tmp_path / "config"], "lab")


@pytest.mark.parametrize("field", ["client-certificate-data", "client-key-data"])
@pytest.mark.parametrize("value", [None, "A", 5, ["x"]])
def test_users_of_a_kubeconfig_are_not_quoted(tmp_path: Path, field: str, value: Any) -> None:
    whole = {"token": "hunter22", "client-certificate-data": "AAAA", "client-key-data": "AAAA"}
    user = {**whole, field: value}
    kubeconfig_of(tmp_path, dumped({**KUBECONFIG, "users": [{"name": "u", "user": user}]}).encode())


def test_a_kubeconfig_that_is_no_file_or_too_large(tmp_path: Path) -> None:
    file = tmp_path / "config"
    with file.open("wb") as stream:
        stream.truncate(kubeconfig.LARGEST + 1)
    with pytest.raises(UsageError, match=r"config cannot be read as a kubeconfig: larger than \d+ bytes"):
        kubeconfig.read([file], "lab")
    with pytest.raises(UsageError, match="home folder of nobody"):
        kubeconfig.paths("~nosuchuser/config")


@FUZZ
@given(lines=st.lists(altered(JOURNAL, ODD), max_size=4))
def test_journals_of_hosts(lines: Any) -> None:
    found = parse("\n".join(map(dumped, lines)))
    stopped_at(found)
    undone = [entry for entry in not_undone(found) if is_record(entry.change)]
    for entry in ordered(undone):
        assert all(map(str, restore._lines(entry.change)))


def test_a_journal_with_a_change_that_is_none_is_refused() -> None:
    text = json.dumps({**JOURNAL, "change": {"kind": "file"}})

    async def run(*_words: Any, **_options: Any) -> Any:
        return SimpleNamespace(ok=True, text=text)

    host: Any = SimpleNamespace(label="worker-1", timeouts=Timeouts(), run=run)
    with pytest.raises(TargetError, match=r"worker-1: its journal .* has a change that meshproof has not written"):
        asyncio.run(Journal(Path("/nowhere"), "r").read(host))


@FUZZ
@given(data=altered({"auths": {"r": {"auth": "bWU6aHVudGVyMjI="}}, "credHelpers": {}}, ODD))
def test_files_with_logins(tmp_path: Path, data: Any) -> None:
    (tmp_path / "config.json").write_text(dumped(data), errors="surrogatepass")
    try:
        asyncio.run(find("r", tmp_path, environ={"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}))
    except (UsageError, TargetError) as error:
        assert "hunter22" not in str(error)  # noqa: PT017


@FUZZ
@given(data=altered([{"kind": "List", "items": [{"kind": "Namespace"}]}, {"kind": "CustomResourceDefinition"}], ODD))
def test_manifests_of_istio(tmp_path: Path, data: Any) -> None:
    file = tmp_path / "istio.yaml"
    file.write_text("\n---\n".join(map(dumped, data if isinstance(data, list) else [data])), errors="surrogatepass")
    try:
        split(file)
    except UsageError as error:
        assert str(file) in str(error)  # noqa: PT017


@pytest.mark.parametrize("text", ["[" * 100_000, f"{bomb(9)}\nkind: x\n"], ids=["depth", "aliases"])
def test_hostile_manifests_of_istio(tmp_path: Path, text: str) -> None:
    (tmp_path / "istio.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"istio\.yaml cannot be read as a manifest of Istio"):
        split(tmp_path / "istio.yaml")


@pytest.mark.parametrize("text", ["[" * 10_000, "a: 2020-99-99\nmode: ipvs", "mode: ipvs", bomb(9), "- x", ""])
def test_configurations_of_kube_proxy(text: str) -> None:
    async def get(*_words: Any) -> Any:
        return {"data": {"config.conf": text}}

    cluster: Any = SimpleNamespace(objects=SimpleNamespace(get=get))
    if "ipvs" in text:
        assert asyncio.run(configured(cluster)) == "ipvs"
    else:
        with pytest.raises(TargetError, match="kube-proxy does not say its mode"):
            asyncio.run(configured(cluster))
