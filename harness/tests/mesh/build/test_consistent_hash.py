"""What `consistentHash` becomes, and what istiod or Envoy would refuse of it."""

from __future__ import annotations

import io

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.destination_rule import ConsistentHash, HashKind, LoadBalancer
from meshproof.mesh.model.unmodelled import Asked, Called

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other}
spec:
  host: greeter
  trafficPolicy:
    loadBalancer: {%s}
"""


@pytest.fixture
def policy(built):
    """The policy of a rule with this load balancer."""

    def make(balancer: str):
        found = built(RULE % balancer)
        return next(one for one in found.mesh.destination_rules if one.name == "other").policy, found

    return make


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("httpHeaderName: X-User", ConsistentHash(HashKind.HEADER, "x-user", size=1024)),
        ("httpQueryParameterName: User", ConsistentHash(HashKind.QUERY_PARAMETER, "User", size=1024)),
        ("useSourceIp: true", ConsistentHash(HashKind.SOURCE_IP, size=1024)),
        ("httpCookie: {name: user}", ConsistentHash(HashKind.COOKIE, "user", size=1024)),
        (
            "httpCookie: {name: user, ttl: 5m, path: /a, attributes: [{name: SameSite, value: Lax}, {name: Secure}]}",
            ConsistentHash(HashKind.COOKIE, "user", 300.0, "/a", (("SameSite", "Lax"), ("Secure", "")), size=1024),
        ),
        ("httpCookie: {name: user, ttl: 0s}", ConsistentHash(HashKind.COOKIE, "user", 0.0, size=1024)),
        ("httpHeaderName: a, minimumRingSize: 7", ConsistentHash(HashKind.HEADER, "a", size=7)),
        ("httpHeaderName: a, minimumRingSize: 0", ConsistentHash(HashKind.HEADER, "a", size=1024)),
        ("httpHeaderName: a, ringHash: {minimumRingSize: 9}", ConsistentHash(HashKind.HEADER, "a", size=9)),
        ("httpHeaderName: a, ringHash: {}", ConsistentHash(HashKind.HEADER, "a")),
        (
            "httpHeaderName: a, maglev: {tableSize: 65537}",
            ConsistentHash(HashKind.HEADER, "a", maglev=True, size=65537),
        ),
    ],
)
def test_what_is_read(policy, written, expected) -> None:
    found, built = policy(f"consistentHash: {{{written}}}")
    assert found.load_balancer is LoadBalancer.CONSISTENT_HASH
    assert found.consistent_hash == expected
    assert "nothing is hashed" not in str(built.notices)


@pytest.mark.parametrize("written", ["", "useSourceIp: false", "minimumRingSize: 5"])
def test_without_a_key_nothing_is_hashed(policy, written) -> None:
    found, built = policy(f"consistentHash: {{{written}}}")
    assert (found.load_balancer, found.consistent_hash.kind) == (LoadBalancer.CONSISTENT_HASH, None)
    assert "nothing is hashed" in str(built.notices)


@pytest.mark.parametrize(
    ("balancer", "problem"),
    [
        ("simple: RANDOM, consistentHash: {useSourceIp: true}", "both simple and consistentHash"),
        ("consistentHash: {useSourceIp: true, httpHeaderName: a}", "both httpHeaderName and useSourceIp"),
        ("consistentHash: {httpCookie: {ttl: 1s}}", "has no name"),
        ("consistentHash: {httpCookie: {name: ''}}", "a cookie needs a name"),
        ("consistentHash: {httpCookie: {name: a, attributes: [{name: b}, {name: b}]}}", "stands here twice"),
        ("consistentHash: {httpCookie: {name: a, attributes: [{name: ''}]}}", "needs a name"),
        ("consistentHash: {useSourceIp: true, maglev: {tableSize: 65536}}", "a prime number"),
        ("consistentHash: {useSourceIp: true, maglev: {tableSize: 5000011}}", "a prime number"),
        ("consistentHash: {useSourceIp: true, maglev: {}}", "has no tableSize"),
        ("consistentHash: {useSourceIp: true, maglev: {tableSize: 7}, ringHash: {}}", "both ringHash and maglev"),
        ("consistentHash: {useSourceIp: true, minimumRingSize: 7, ringHash: {}}", "both minimumRingSize and ringHash"),
    ],
)
def test_what_istiod_refuses(built, balancer, problem) -> None:
    with pytest.raises(ManifestError, match=problem):
        built(RULE % balancer)


@pytest.mark.parametrize(
    ("written", "touches"),
    [
        # What stands in the routes takes all others of the port with it.
        ("httpHeaderName: ''", Asked(("*",))),
        ("httpQueryParameterName: ''", Asked(("*",))),
        ("ringHash: {minimumRingSize: 8388609}", Called(("greeter.default.svc.cluster.local",))),
    ],
)
def test_what_envoy_refuses_is_not_proved_and_not_translated(written, touches) -> None:
    text = RULE % f"consistentHash: {{{written}}}"
    mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
    (unmodelled,) = mesh.unmodelled
    assert "Envoy refuses" in unmodelled.why
    # Nobody can allow it to be unproved.
    assert unmodelled.is_wrong
    assert unmodelled.touches == (touches,)
    (rule,) = mesh.destination_rules
    assert (rule.policy.consistent_hash.kind, rule.policy.consistent_hash.size in (None, 1024)) == (None, True)
