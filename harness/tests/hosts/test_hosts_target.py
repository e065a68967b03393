"""Hosts and their cluster as one target: which options are refused, and where the cluster is not used."""

import pytest
from click.testing import CliRunner
from meshproof.border.facts.hosts import HostsFacts
from meshproof.border.facts.installation import InstallFacts
from meshproof.cli.group import group
from meshproof.errors import UsageError
from meshproof.inspection import Inspection
from meshproof.run.discover import discover
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.hosts.cluster import HostsClusterTarget, hosts_target
from meshproof.targets.hosts.target import HostsTarget

HOSTS = "hosts:\n- {name: one, role: ROLE, address: 192.0.2.1}\n"


@pytest.fixture
def target(tmp_path):
    def make(role="control-plane", **settings):
        (tmp_path / "hosts.yaml").write_text(HOSTS.replace("ROLE", role))
        return HostsClusterTarget(HostsTarget(tmp_path / "hosts.yaml"), KubeSettings(**settings))

    return make


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "--target hosts needs --image"),
        ({"kubeconfig": "x", "image": "i"}, "--kubeconfig is for --target cluster"),
        ({"cluster": "x", "image": "i"}, "--cluster is for --target kind"),
        ({"role": "worker", "image": "i"}, "no host has the role control-plane"),
    ],
)
def test_contradicting_options_are_refused_before_any_connection(target, settings, words):
    with pytest.raises(UsageError, match=words):
        target(**settings).preflight()


def test_it_has_the_features_of_hosts_and_of_clusters(target):
    features = target(image="i").features
    assert {"Hosts", "InstalledIstio", "ProbeWorkload"} <= features
    assert "GatewayTLS" not in features
    assert "GatewayTLS" in target(image="i", allow=frozenset({"gateway-secrets"})).features


def test_the_cluster_is_not_used_where_only_hosts_are_inspected(tmp_path):
    look = Inspection("a", "b", HostsFacts, (), {"Hosts"})
    install = Inspection("a", "b", InstallFacts, (), {"InstalledIstio"})
    built_in = [one.scenario for one in discover() if one.folder.name == "hosts"]

    def taken(*selected):
        return type(hosts_target(tmp_path, KubeSettings(), selected))

    assert taken(look) is HostsTarget
    assert taken(*built_in) is HostsTarget
    assert taken(look, install) is HostsClusterTarget
    # Where nothing is known of what is selected, everything may be needed.
    assert taken() is HostsClusterTarget


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "canary", "--target", "hosts"], "--target hosts needs --hosts-file FILE"),
        (["run", "canary", "--hosts-file", "x"], "--hosts-file is for --target hosts"),
        (["run", "canary", "--target", "kind", "--show-names"], "--show-names is for --target hosts"),
        (["run", "canary", "--target", "hosts", "--hosts-file", "hosts.yaml"], "--target hosts needs --image"),
    ],
)
def test_options_that_do_not_go_together(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yaml").write_text(HOSTS.replace("ROLE", "control-plane"))
    with pytest.raises(UsageError) as error:
        CliRunner().invoke(group, words, catch_exceptions=False, standalone_mode=False)
    assert said in str(error.value)
