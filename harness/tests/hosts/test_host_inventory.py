"""Inventories: what they mean, and that every mistake is reported with its location."""

import re
from pathlib import Path

import pytest
from meshproof.border.inventory import IPVS_MODULES
from meshproof.errors import ManifestError, UsageError
from meshproof.suite import folder
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.redaction import HostRedaction

HOST = "- {name: a, role: worker, address: 192.0.2.1}\n"


def load(tmp_path, text):
    (tmp_path / "hosts.yaml").write_text(text)
    return load_inventory(tmp_path / "hosts.yaml")


def test_the_example_can_be_read():
    inventory = load_inventory(folder("fixtures") / "hosts.example.yaml")
    first, _, alias, registry = inventory.hosts
    assert [host.label for host in inventory.hosts] == ["control-plane-1", "worker-1", "worker-2", "registry-1"]
    assert (first.user, first.become, first.jump.address) == ("centos", True, "bastion.example.com")
    assert (first.expect.istioctl, first.expect.kernel, first.expect.proxy_mode) == ("1.9.5", "5.4", "ipvs")
    assert (alias.port, alias.jump) == (2222, None)
    assert (registry.expect.modules, registry.expect.swap, registry.expect.kernel) == ((), None, "")
    assert registry.expect.disk == (("/data", 50 << 30),)
    assert inventory.registry.hub == "harbor.example.com/library"
    assert inventory.registry.password_env == "HARBOR_PASSWORD"


def test_unset_options_are_left_to_ssh(tmp_path):
    host = load(tmp_path, f"hosts:\n{HOST}").hosts[0]
    assert (host.port, host.user, host.key, host.jump, host.become) == (None, "", None, None, False)
    assert (host.expect.modules, host.expect.swap, host.expect.kernel) == (IPVS_MODULES, False, "")


def test_files_are_relative_to_the_inventory(tmp_path):
    inventory = load(tmp_path, f"ssh: {{knownHosts: known, config: ~/c}}\ndefaults: {{key: id}}\nhosts:\n{HOST}")
    assert inventory.hosts[0].key == tmp_path / "id"
    assert inventory.ssh.known_hosts == tmp_path / "known"
    assert inventory.ssh.config == Path.home() / "c"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("hosts: []", "1:8", "there is no host"),
        ("host: []", "1:1", "did you mean hosts"),
        ("{}", "1:1", "has no hosts"),
        ("", "1:1", "one YAML document"),
        ("hosts:\n- {name: a, address: x}", "2:3", "has no role"),
        ("hosts:\n- {name: a, role: master, address: x}", "2:19", "must be one of control-plane, worker, registry"),
        ("hosts:\n- {name: a, role: worker, address: -oProxyCommand=x}", "2:36", "is no valid address"),
        ("hosts:\n- {name: a, role: worker, address: 'x y'}", "2:36", "is no valid address"),
        ("hosts:\n- {name: a, role: worker, address: x, user: '-x'}", "2:45", "is no valid user"),
        ("hosts:\n- {name: a, role: worker, address: x, port: 0}", "2:45", "between 1 and 65535"),
        ("hosts:\n- {name: a, role: worker, address: x, become: 1}", "2:47", "true or false"),
        ("hosts:\n- {name: a, role: worker, address: x, password: p}", "2:39", "has no field 'password'"),
        ("hosts:\n- {name: a, role: worker, address: x, expect: {kernel: 5.4}}", "2:56", "must be text"),
        ("hosts:\n- {name: a, role: worker, address: x, expect: {kernel: new}}", "2:56", "is no valid kernel"),
        ("hosts:\n- {name: a, role: worker, address: x, expect: {disk: {/: 5GB}}}", "2:58", "is no size"),
        ("hosts:\n- {name: a, role: worker, address: x, expect: {modules: ['a;b']}}", "2:58", "is no valid modules[0]"),
        ("hosts:\n- {name: a, role: worker, address: x, expect: {cgroup: 3}}", "2:56", "between 1 and 2"),
        (f"hosts:\n{HOST}- {{name: a, role: worker, address: yy}}", "3:10", "given twice, first in line 2"),
        (f"hosts:\n{HOST}- {{name: b, role: worker, address: 192.0.2.1}}", "3:36", "the same machine as 'a'"),
        (f"registry: {{url: harbor}}\nhosts:\n{HOST}", "1:17", "is not SCHEME://HOST"),
        (f"registry: {{url: 'https://u:p@h'}}\nhosts:\n{HOST}", "1:17", "credentials must not be in an inventory"),
        (f"registry: {{url: 'http://h'}}\nhosts:\n{HOST}", "1:17", "plain HTTP needs insecure: true"),
        (f"registry: {{url: 'https://h', images: [UPPER]}}\nhosts:\n{HOST}", "1:39", "is no valid images[0]"),
        (f"ssh: {{sessions: 11}}\nhosts:\n{HOST}", "1:17", "between 1 and 10"),
    ],
)
def test_mistakes_have_their_location(text, place, words, tmp_path):
    with pytest.raises(ManifestError, match=re.escape(words)) as caught:
        load(tmp_path, text)
    assert f"hosts.yaml:{place}: " in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_inventory(tmp_path / "none.yaml")


def test_names_and_addresses_are_redacted_unless_asked_for(tmp_path):
    jump = "- {name: node1, role: worker, address: n.example.com, jump: {address: bastion}}\n"
    inventory = load(tmp_path, f"registry: {{url: 'https://harbor.example.com:8443'}}\nhosts:\n{HOST}{jump}")
    text = "a@192.0.2.1 192.0.2.10 node1 node10 n.example.com bastion "
    text += "https://harbor.example.com:8443/v2 harbor.example.com"
    redaction = HostRedaction.of(inventory)
    assert redaction(text) == (
        "worker-1@worker-1 192.0.2.10 worker-2 node10 worker-2 jump-host https://the-registry/v2 the-registry"
    )
    redaction.learn("worker-2", "real-name")
    assert redaction("on real-name:") == "on worker-2:"
    assert HostRedaction.of(inventory, names=True)(text) == text
    assert redaction.name(inventory.hosts[1]) == "worker-2"
    assert HostRedaction.of(inventory, names=True).name(inventory.hosts[1]) == "node1"


def test_how_the_api_server_is_reached(tmp_path):
    assert load(tmp_path, f"hosts:\n{HOST}").api_server == ""
    assert load(tmp_path, f"apiServer: ssh\nhosts:\n{HOST}").api_server == "ssh"
    with pytest.raises(ManifestError, match="must be one of direct, ssh"):
        load(tmp_path, f"apiServer: tunnel\nhosts:\n{HOST}")
