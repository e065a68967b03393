"""What of a traffic policy is modelled, has no effect, is not proved, or is refused: TLS, localities, warm-up."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.destination_rule import LoadBalancer, Warmup
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import ClientTls
from meshproof.mesh.model.traffic_policy.locality import LocalitySetting
from meshproof.mesh.model.unmodelled import Called, Unshown

HOST = "api.example.com"
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: r}
spec: {host: api.example.com, trafficPolicy: {%s}, subsets: [%s]}
"""
BARE = RULE.replace("trafficPolicy: {%s}, ", "")
DISTRIBUTE = "distribute: [{from: a/*, to: {a/*: 80, b/*: 20}}]"
FAILOVER = "failover: [{from: a, to: b}]"
PRIORITY = "failoverPriority: [topology.istio.io/network]"


def read(policy: str, subsets: str = "", host: str = HOST) -> Built:
    text = (RULE % (policy, subsets) if policy else BARE % subsets).replace(HOST, host)
    return build_all(load(["-"], stdin=io.StringIO(text)))


def locality(setting: str, more: str = "outlierDetection: {interval: 1s}") -> str:
    return f"loadBalancer: {{localityLbSetting: {{{setting}}}}}{', ' if more else ''}{more}"


def ineffective(built: Built) -> list[str]:
    return [one.message for one in built.notices if one.topic == Topic.NO_EFFECT]


WITHIN = "web.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        (
            "mode: ISTIO_MUTUAL, subjectAltNames: [a.example]",
            "tls is not modelled: mode ISTIO_MUTUAL, a certificate for a.example",
        ),
        ("mode: SIMPLE, caCrl: /crl", "tls is not modelled: mode SIMPLE"),
        (
            "mode: SIMPLE, sni: a.example, subjectAltNames: [b.example, c.example], caCrl: /crl",
            "tls is not modelled: mode SIMPLE, sni a.example, a certificate for b.example or c.example",
        ),
    ],
)
def test_tls_that_is_not_modelled_is_not_proved_where_it_stands(tls: str, why: str) -> None:
    (one,) = read(f"tls: {{{tls}}}", host=WITHIN).mesh.unmodelled
    assert (one.why, one.touches, one.refused, one.location.line) == (why, (Called((WITHIN,)),), False, 4)
    at_port = read(f"portLevelSettings: [{{port: {{number: 443}}, tls: {{{tls}}}}}]", host=WITHIN).mesh.unmodelled
    assert [each.touches for each in at_port] == [(Called((WITHIN,), 443),)]
    of_subset = read("", f"{{name: v1, trafficPolicy: {{tls: {{{tls}}}}}}}", host=WITHIN).mesh.unmodelled
    assert [each.why for each in of_subset] == [why]


@pytest.mark.parametrize("host", [WITHIN, "out.example.com"])
@pytest.mark.parametrize(
    ("tls", "found"),
    [
        ("mode: SIMPLE", ClientTls("SIMPLE")),
        (
            "mode: SIMPLE, sni: a.example, subjectAltNames: [b.example]",
            ClientTls("SIMPLE", sni="a.example", names=("b.example",)),
        ),
        ("mode: SIMPLE, insecureSkipVerify: true", ClientTls("SIMPLE", verified=False)),
        (
            "mode: MUTUAL, credentialName: c",
            ClientTls("MUTUAL", credential="c", certificates=(("credentialName", "c"),)),
        ),
    ],
)
def test_tls_towards_a_host_is_read_and_what_stands_in_is_told(tls: str, found: ClientTls, host: str) -> None:
    built = read(f"tls: {{{tls}}}", host=host)
    made = built.mesh.destination_rules[0].policy.tls
    assert made is not None
    assert (replace(made, location=None), built.mesh.unmodelled) == (found, ())
    assert any("who signed the real one is not verified" in one.message for one in built.notices)
    if not made.credential:
        assert len(read(f"tls: {{{tls}, caCrl: /crl}}", host=host).mesh.unmodelled) == 1


@pytest.mark.parametrize("tls", ["mode: DISABLE", "sni: a.example"])
def test_without_a_mode_nothing_is_encrypted(tls: str) -> None:
    assert read(f"tls: {{{tls}}}").mesh.unmodelled == ()


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        ("mode: MUTUAL", "mode MUTUAL needs a clientCertificate, or a credentialName"),
        ("mode: MUTUAL, clientCertificate: /c", "mode MUTUAL needs a privateKey, or a credentialName"),
        ("mode: SIMPLE, credentialName: c, caCertificates: /a", "credentialName names a Secret with all of it"),
        ("mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]", "insecureSkipVerify verifies nothing"),
        ("mode: SIMPLE, insecureSkipVerify: true, credentialName: c", "insecureSkipVerify verifies nothing"),
    ],
)
def test_tls_that_istiod_refuses(tls: str, why: str) -> None:
    assert [(one.why, one.refused) for one in read(f"tls: {{{tls}}}").mesh.unmodelled] == [(why, True)]


def test_an_sni_that_envoy_refuses_is_told() -> None:
    read_as = read(f"tls: {{mode: SIMPLE, sni: {'a' * 256}}}", host="shop.example").mesh.unmodelled
    told = [(one.why, one.is_wrong) for one in read_as]
    assert told == [("Envoy refuses clusters with an sni of more than 255 bytes", True)]


@pytest.mark.parametrize("setting", ["enabled: true", "enabled: false", ""])
def test_a_locality_setting_that_sets_nothing_costs_no_proof(setting: str) -> None:
    built = read(locality(setting))
    assert (built.mesh.unmodelled, ineffective(built)) == ((), [])


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        (DISTRIBUTE, {"distribute": (("a/*", (("a/*", 80), ("b/*", 20))),)}),
        (FAILOVER, {"failover": (("a", "b"),)}),
        (PRIORITY, {"priority": ("topology.istio.io/network",)}),
    ],
)
def test_what_localities_decide_is_read(setting: str, found: dict[str, object]) -> None:
    name = setting.partition(":")[0]
    built = read(locality(setting))
    made = built.mesh.destination_rules[0].policy.locality
    assert (made, ineffective(built)) == (LocalitySetting(**found, location=made and made.location), [])
    off = read(locality(f"enabled: false, {setting}"))
    assert ineffective(off) == [f"{name} has no effect beside enabled: false"]
    policy = off.mesh.destination_rules[0].policy
    assert policy.locality is not None
    assert not policy.locality.enabled


@pytest.mark.parametrize("setting", [FAILOVER, PRIORITY])
def test_failover_needs_outlier_detection(setting: str) -> None:
    built = read(locality(setting, ""))
    assert built.mesh.unmodelled == ()
    assert "has no effect without outlierDetection" in ineffective(built)[0]
    # A subset inherits the load balancer.
    assert ineffective(read(locality(setting, ""), "{name: v1, trafficPolicy: {outlierDetection: {}}}")) == []


def test_distribute_stands_before_priorities() -> None:
    assert ineffective(read(locality(f"{DISTRIBUTE}, {PRIORITY}"))) == [
        "failoverPriority has no effect beside distribute"
    ]


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (f"{DISTRIBUTE}, {FAILOVER}", "localityLbSetting has both distribute and failover"),
        ("distribute: [{from: a/*, to: {a/*: 80, b/*: 10}}]", "the weights sum to 90, not to 100"),
        ("distribute: [{from: '*/a', to: {a/*: 100}}]", "'*/a': a * stands at the end of a locality alone"),
        ("distribute: [{from: a//b, to: {a/*: 100}}]", "'a//b' is no locality"),
        ("distribute: [{to: {a/*: 100}}]", "'' is no locality"),
        ("distribute: [{from: a, to: {b/*: 50, b/c: 50}}]", "the locality b/c overlaps with one before it"),
        (
            "distribute: [{from: a/b, to: {c: 100}}, {from: a, to: {c: 100}}]",
            "the locality a overlaps with one before it",
        ),
        ("failover: [{from: a, to: a}]", "failover leads from a region to itself"),
        ("failover: [{from: a/z, to: b}]", "failover is from a region to a region"),
        ("failover: [{from: a, to: '*'}]", "failover is from a region to a region"),
        (
            f"{FAILOVER}, failoverPriority: [topology.kubernetes.io/zone]",
            "failover stands beside failoverPriority topology.kubernetes.io/zone",
        ),
    ],
)
def test_localities_that_istiod_refuses(setting: str, why: str) -> None:
    assert [(one.why, one.refused) for one in read(locality(setting)).mesh.unmodelled] == [(why, True)]


@pytest.mark.parametrize(
    ("balancing", "balancer", "found"),
    [
        ("warmup: {duration: 30s}", LoadBalancer.LEAST_REQUEST, Warmup(30)),
        ("warmupDurationSecs: 5s, simple: ROUND_ROBIN", LoadBalancer.ROUND_ROBIN, Warmup(5)),
        (
            "simple: ROUND_ROBIN, warmup: {duration: 1m, aggression: 1.5, minimumPercent: 25}",
            LoadBalancer.ROUND_ROBIN,
            Warmup(60, 1.5, 25),
        ),
    ],
)
def test_warming_up_is_read_with_its_place(balancing: str, balancer: LoadBalancer, found: Warmup) -> None:
    built = read(f"loadBalancer: {{{balancing}}}")
    (rule,) = built.mesh.destination_rules
    warmup = rule.policy.warmup
    assert warmup is not None
    assert warmup.location is not None
    assert (rule.policy.load_balancer, replace(warmup, location=None), built.mesh.unmodelled) == (balancer, found, ())
    assert not any("warmup" in one.message for one in built.notices)


def test_warming_up_has_no_effect_where_pods_are_drawn_at_random() -> None:
    built = read("loadBalancer: {simple: RANDOM, warmup: {duration: 30s}}")
    assert ineffective(built) == ["warmup has no effect with simple: RANDOM"]
    assert built.mesh.destination_rules[0].policy.warmup is None
    hashed = read("loadBalancer: {consistentHash: {useSourceIp: true}, warmup: {duration: 30s}}")
    assert [one.why for one in hashed.mesh.unmodelled] == ["warmup beside consistentHash is not modelled"]


@pytest.mark.parametrize(
    "warmup",
    [
        "{aggression: 1}",
        "{duration: 1s, minimumPercent: 101}",
        "{duration: 1s, aggression: 0}",
    ],
)
def test_warming_up_that_istiod_refuses(warmup: str) -> None:
    (one,) = read(f"loadBalancer: {{warmup: {warmup}}}").mesh.unmodelled
    assert one.refused


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("loadBalancer: {zoneAwareLbSetting: {enabled: true}}", "zoneAwareLbSetting is not modelled"),
        ("loadBalancer: {backendUtilization: {weightUpdatePeriod: 1s}}", "backendUtilization is not modelled"),
        ("tls: {mode: SIMPLE, caCertCredentialName: c}", "tls is not modelled: mode SIMPLE"),
    ],
)
def test_other_fields_cost_the_requests_for_the_host_alone(policy: str, why: str) -> None:
    assert [(one.why, one.touches) for one in read(policy).mesh.unmodelled] == [(why, (Called((HOST,)),))]


@pytest.mark.parametrize(
    "pool", ["tcp: {tcpKeepalive: {time: 7200s, interval: 75s}}", "http: {http2KeepAlive: {interval: 1s, timeout: 1s}}"]
)
def test_how_idle_connections_are_kept_costs_no_request(pool: str) -> None:
    (found,) = read(f"connectionPool: {{{pool}}}").mesh.unmodelled
    assert found.touches == (Unshown(),)
    assert "eepalive is not modelled" in found.why.replace("A", "a")


@pytest.mark.parametrize(
    ("pool", "costs"),
    [
        ("tcp: {maxConnectionDuration: 60s}", False),
        ("tcp: {maxConnectionDuration: 1s}", True),
        ("tcp: {maxConnectionDuration: 60s, maxConnections: 2}", True),
        ("tcp: {maxConnectionDuration: 1h, maxConnections: 2}", False),
        ("http: {maxConcurrentStreams: 5}", False),
        ("http: {maxConcurrentStreams: 5, http2MaxRequests: 9}", True),
    ],
)
def test_how_long_connections_last_and_what_each_carries_costs_requests_beside_limits_alone(
    pool: str, costs: bool
) -> None:
    (found,) = read(f"connectionPool: {{{pool}}}").mesh.unmodelled
    assert found.touches == ((Called((HOST,)),) if costs else (Unshown(),))


@pytest.mark.parametrize(
    "label", ["topology.kubernetes.io/region", "topology.istio.io/cluster", "kubernetes.io/hostname"]
)
def test_a_subset_that_goes_by_where_pods_run_is_not_proved(label: str) -> None:
    mesh = read("", f"{{name: near, labels: {{{label}: a, version: v1}}}}, {{name: v1, labels: {{version: v1}}}}").mesh
    assert [one.why for one in mesh.unmodelled] == [
        f"subset near goes by {label}, which istiod adds to pods by where they run"
    ]
