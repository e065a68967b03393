"""Which fields of a host's kubeconfig are copied, and which never are."""

import pytest
import yaml
from meshproof.errors import TargetError, UsageError
from meshproof.targets.hosts.api_server import address, local, parts

USER = {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}
CLUSTER = {"server": "https://192.0.2.1:6443", "certificate-authority-data": "Y2E="}


def config(cluster=CLUSTER, user=USER, names=("admin",)):
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in names]
    body = {"clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}]}
    return yaml.safe_dump({**body, "contexts": contexts, "current-context": names[-1]}).encode()


def test_a_single_context_is_used_without_a_name():
    assert parts(config(), "", "h") == ("admin", CLUSTER, USER)


def test_of_several_contexts_one_must_be_named():
    with pytest.raises(UsageError, match=r"several contexts; name one with --context: a, b"):
        parts(config(names=("a", "b")), "", "h")
    assert parts(config(names=("a", "b")), "a", "h")[0] == "a"
    with pytest.raises(UsageError, match="has no context 'x'; it has: a, b"):
        parts(config(names=("a", "b")), "x", "h")


@pytest.mark.parametrize(
    ("cluster", "user", "word"),
    [
        ({}, {"exec": {"command": "/bin/sh"}}, "exec"),
        ({}, {"auth-provider": {"name": "x", "config": {"cmd-path": "/bin/sh"}}}, "auth-provider"),
        ({}, {"client-key": "/etc/shadow"}, "client-key"),
        ({}, {"tokenFile": "/etc/shadow"}, "tokenFile"),
        ({"certificate-authority": "/etc/shadow"}, {}, "certificate-authority"),
    ],
)
def test_commands_and_files_of_a_hosts_kubeconfig_are_refused(cluster, user, word):
    server = {"server": "https://192.0.2.1:6443"}
    with pytest.raises(TargetError, match=f"{word} is not taken over from a host"):
        parts(config({**server, **cluster}, user), "", "h")


def test_unknown_fields_are_left_out():
    _, cluster, user = parts(config({**CLUSTER, "proxy-url": "http://x"}, {**USER, "extensions": []}), "", "h")
    assert (cluster, user) == (CLUSTER, USER)


@pytest.mark.parametrize("data", [b"", b"a: [", b"[]", b"contexts: 1", b"secret-key\n", b"contexts: []\x00"])
def test_a_file_that_is_no_kubeconfig_is_not_quoted(data):
    with pytest.raises((TargetError, UsageError)) as error:
        parts(data, "x", "h")
    assert error.value.__cause__ is None
    assert "secret-key" not in str(error.value)


def test_a_file_that_is_too_large():
    with pytest.raises(TargetError, match="is no kubeconfig"):
        parts(config() + b"#" * (1 << 20), "", "h")


@pytest.mark.parametrize(
    ("server", "alone"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://localhost:6443", True),
        ("https://[::1]:6443", True),
        ("https://0.0.0.0:6443", True),
        ("https://192.0.2.1:6443", False),
        ("https://localhost.example.com", False),
    ],
)
def test_which_addresses_are_on_the_hosts_loopback(server, alone):
    assert local(server, "h") is alone


def test_addresses():
    assert address("https://[2001:db8::1]:6443/", "h") == ("2001:db8::1", 6443)
    assert address("https://api.example.com", "h") == ("api.example.com", 443)
    for wrong in ("http://192.0.2.1", "https://", "https://a:b", "https://a/b", "x"):
        with pytest.raises(TargetError, match="its server is not"):
            address(wrong, "h")
